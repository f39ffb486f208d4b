//! How one variant is measured: nanoseconds, allocations, or instructions under callgrind.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Operations between two flushes; few enough for every peer's default queue.
pub const BATCH: usize = 256;
const BATCHES: usize = 200;
/// Operations of a sustained burst, on each thread.
pub const BURST: usize = 4096;
const BURSTS: usize = 40;

/// One peer at one task.
pub struct Variant {
    pub name: &'static str,
    pub run: fn(Mode),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Time,
    /// As `Time`, from this many threads at once, without a pause.
    Burst(usize),
    Allocations,
    Instructions,
}

impl Mode {
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "time" => Self::Time,
            "burst1" => Self::Burst(1),
            "burst2" => Self::Burst(2),
            "allocations" => Self::Allocations,
            "instructions" => Self::Instructions,
            _ => return None,
        })
    }
}

/// Items that a discarding exporter was given.
pub static DELIVERED: AtomicU64 = AtomicU64::new(0);

pub fn delivered(items: usize) {
    DELIVERED.fetch_add(black_box(items) as u64, Ordering::Relaxed);
}

/// Runs `work` as `mode` says and prints one line: `median p1 allocations bytes submitted delivered`.
/// `work` does so many operations; `flush` hands over all that is waiting and is never timed;
/// each operation makes `items` items. Times are for each operation that was delivered: whoever throws
/// items away has done less, and has the time of all spread over those that came.
pub fn measure(mode: Mode, items: u64, work: &(dyn Fn(usize) + Sync), flush: &(dyn Fn() + Sync)) {
    let mut operations = 0;
    let (mut median, mut low, mut allocations, mut bytes) = (0.0, 0.0, 0.0, 0.0);
    match mode {
        Mode::Time => {
            let mut times = Vec::with_capacity(BATCHES);
            for batch in 0..BATCHES + 30 {
                let begin = Instant::now();
                measured_batch(work, BATCH);
                let took = begin.elapsed();
                flush();
                operations += BATCH;
                if batch >= 30 {
                    times.push(took.as_nanos() as f64 / BATCH as f64);
                }
            }
            (median, low) = quantiles(times);
        }
        Mode::Burst(threads) => {
            let barrier = Barrier::new(threads);
            let burst = || {
                let mut times = Vec::with_capacity(BURSTS);
                for burst in 0..BURSTS + 5 {
                    barrier.wait();
                    let begin = Instant::now();
                    work(BURST);
                    let took = begin.elapsed();
                    barrier.wait();
                    flush();
                    if burst >= 5 {
                        times.push(took.as_nanos() as f64 / BURST as f64);
                    }
                }
                times
            };
            let times = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..threads).map(|_| scope.spawn(burst)).collect();
                threads
                    .into_iter()
                    .flat_map(|thread| thread.join().expect("it does not panic"))
                    .collect()
            });
            operations = threads * BURST * (BURSTS + 5);
            (median, low) = quantiles(times);
        }
        Mode::Allocations => {
            for _ in 0..10 {
                work(BATCH);
                flush();
            }
            for _ in 0..10 {
                let before = (ALLOCATIONS.get(), BYTES.get());
                COUNTS.set(true);
                work(BATCH);
                COUNTS.set(false);
                allocations += (ALLOCATIONS.get() - before.0) as f64 / (10 * BATCH) as f64;
                bytes += (BYTES.get() - before.1) as f64 / (10 * BATCH) as f64;
                flush();
            }
            operations = 20 * BATCH;
        }
        Mode::Instructions => {
            for _ in 0..4 {
                work(BATCH);
                flush();
            }
            // What callgrind collects: four batches, on this thread.
            for _ in 0..4 {
                measured_batch(work, BATCH);
                flush();
            }
            operations = 8 * BATCH;
        }
    }
    let submitted = operations as u64 * items;
    let delivered = settled(submitted);
    if submitted > 0 {
        let of_delivered = submitted as f64 / delivered as f64;
        (median, low) = (median * of_delivered, low * of_delivered);
    }
    println!("{median:.2} {low:.2} {allocations:.2} {bytes:.1} {submitted} {delivered}");
}

/// Waits for what is on its way, for a bounded time.
fn settled(submitted: u64) -> u64 {
    let begin = Instant::now();
    while DELIVERED.load(Ordering::Relaxed) < submitted && begin.elapsed() < Duration::from_secs(2)
    {
        std::thread::sleep(Duration::from_millis(1));
    }
    DELIVERED.load(Ordering::Relaxed)
}

fn quantiles(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() / 100])
}

/// The function that callgrind is told to collect.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "Rust" fn measured_batch(work: &dyn Fn(usize), operations: usize) {
    work(operations);
}

/// Pending once, then ready.
#[derive(Default)]
pub struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            Poll::Ready(())
        } else {
            self.0 = true;
            Poll::Pending
        }
    }
}

/// Polls to the end on this thread, without the cost of an executor.
#[inline]
pub fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

thread_local! {
    static COUNTS: Cell<bool> = const { Cell::new(false) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

impl Counting {
    fn count(size: usize) {
        // Threads that end have no cells any more; they are not measured.
        let _ = COUNTS.try_with(|counts| {
            if counts.get() {
                let _ = ALLOCATIONS.try_with(|cell| cell.set(cell.get() + 1));
                let _ = BYTES.try_with(|cell| cell.set(cell.get() + size as u64));
            }
        });
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
