//! One source for both modes: every type of the façade has the same traits.
//!
//! Run it twice, as `parity.rs`, which calls them.

use std::cell::Cell;
use std::error::Error as Failure;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::hash::Hash;
use std::marker::{PhantomData, PhantomPinned};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::MutexGuard;
use std::task::{Context, Poll};

use trackside::telemetry::rpc::{Call, Direction, Observed, Session, StorageTimer};
use trackside::telemetry::{
    self, Counter, CurrentSpan, Dropped, Error, Gauge, Histogram, InContext, Instrumented, Kind,
    MetricNames, OnError, OnOutput, OtelContext, Pace, Parent, Report, Shutdown, Signal, Span,
    SpanGuard, SpanId, Status, Telemetry, TelemetryConfig, TraceId, UpDownCounter, Value,
};

/// Whether `T` has a trait, for a `PhantomData<T>`: the method found without a further borrow wins.
macro_rules! has {
    ($type:expr, $trait:path) => {{
        #[allow(dead_code, reason = "not where the type lacks the trait")]
        trait Present {
            fn has(&self) -> bool {
                true
            }
        }
        #[allow(dead_code, reason = "not where the type has the trait")]
        trait Absent {
            fn has(&self) -> bool {
                false
            }
        }
        impl<T: $trait> Present for PhantomData<T> {}
        impl<T> Absent for &PhantomData<T> {}
        (&$type).has()
    }};
}

/// The names of those traits that `T` has.
macro_rules! traits_of {
    ($type:expr) => {
        traits_of!($type; Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone, Copy, Debug, Display,
            Failure, Default, PartialEq, Eq, Hash, Future)
    };
    ($type:expr; $($trait:path),*) => {{
        let marker = $type;
        let all = [$((stringify!($trait), has!(marker, $trait))),*];
        all.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
    }};
}

/// A type by its name; it must own what it holds.
const fn owned<T: 'static>() -> PhantomData<T> {
    PhantomData
}

/// A type without a name, by its value.
fn of<T: 'static>(_: T) -> PhantomData<T> {
    PhantomData
}

/// What most types are.
const FREE: &str = "Send Sync Unpin UnwindSafe RefUnwindSafe";
/// What stays on its thread.
const BOUND: &str = "Unpin UnwindSafe RefUnwindSafe";

macro_rules! assert_traits {
    ($($type:ty => $auto:expr, $other:literal;)*) => {
        let rows = [$((
            stringify!($type),
            traits_of!(owned::<$type>()),
            format!("{} {}", $auto, $other),
        )),*];
        let wrong: Vec<_> = rows.iter().filter(|(_, has, expected)| has != expected).collect();
        assert!(wrong.is_empty(), "type, traits, expected: {wrong:#?}");
    };
}

#[test]
fn every_type_has_the_same_traits_in_both_modes() {
    assert_traits! {
        TelemetryConfig => "Send Sync Unpin", "Clone Debug Default";
        Telemetry => FREE, "Clone Debug";
        Error => FREE, "Clone Debug Display Failure";
        Report => FREE, "Clone Debug Display";
        Shutdown => FREE, "Debug Future";
        Span => BOUND, "Debug";
        Parent => FREE, "Clone Debug Default";
        CurrentSpan => BOUND, "Clone Copy Debug";
        SpanGuard => BOUND, "Debug";
        Counter => FREE, "Debug";
        UpDownCounter => FREE, "Debug";
        Gauge => FREE, "Debug";
        Histogram => FREE, "Debug";
        Call<'static> => FREE, "Clone Copy Debug";
        StorageTimer => FREE, "Debug";
        Session => FREE, "Debug";
        OnError => FREE, "Debug";
        OnError<Rc<u8>> => BOUND, "Debug";
        OnOutput<u8> => FREE, "Debug";
        OnOutput<Rc<Cell<u8>>> => "Unpin", "Debug";
        Direction => FREE, "Clone Copy Debug PartialEq Eq";
        Value<'static> => BOUND, "Clone Copy Debug";
        Kind => FREE, "Clone Copy Debug Default PartialEq Eq";
        MetricNames => FREE, "Clone Copy Debug Default PartialEq Eq";
        OtelContext => FREE, "Clone Copy Debug Default PartialEq Eq";
        Pace => FREE, "Clone Copy Debug Default PartialEq Eq";
        TraceId => FREE, "Clone Copy Debug Display PartialEq Eq Hash";
        SpanId => FREE, "Clone Copy Debug Display PartialEq Eq Hash";
        Status => FREE, "Clone Debug Default";
        Signal => FREE, "Clone Debug Default";
        Dropped => FREE, "Clone Copy Debug Default PartialEq Eq";
    }
}

/// A future that has the traits of `T`, and those alone.
#[derive(Clone, Copy, Debug)]
struct Holds<T, O = Result<u8, String>>(PhantomData<T>, PhantomData<fn() -> O>);

impl<T, O> Future for Holds<T, O> {
    type Output = O;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<O> {
        Poll::Pending
    }
}

/// An output with no trait but `Outcome`.
type Plain = Result<Bare, String>;
struct Bare(#[allow(dead_code, reason = "only its type counts")] Rc<Cell<&'static mut u8>>);

/// A future with `Debug`, of such an output.
#[derive(Debug)]
struct Named;

impl Future for Named {
    type Output = Plain;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Plain> {
        Poll::Pending
    }
}

macro_rules! assert_wrapped {
    ($($future:ty => $auto:expr, $other:literal;)*) => { $(
        assert_traits! {
            Instrumented<$future> => $auto, $other;
            InContext<$future> => $auto, $other;
            Observed<$future> => $auto, $other;
        }
    )* };
}

#[test]
fn a_wrapper_has_the_auto_traits_of_its_future_and_is_no_clone() {
    assert_wrapped! {
        Holds<u8> => FREE, "Debug Future";
        Holds<MutexGuard<'static, u8>> => "Sync Unpin UnwindSafe RefUnwindSafe", "Debug Future";
        Holds<Cell<u8>> => "Send Unpin UnwindSafe", "Debug Future";
        Holds<Rc<u8>> => BOUND, "Debug Future";
        Holds<Rc<Cell<u8>>> => "Unpin", "Debug Future";
        Holds<PhantomPinned> => "Send Sync UnwindSafe RefUnwindSafe", "Debug Future";
        Holds<&'static mut u8> => "Send Sync Unpin RefUnwindSafe", "Debug Future";
        Holds<Box<dyn Failure + Send + Sync>> => "Send Sync Unpin", "Debug Future";
        // An output is handed through, never kept: its traits do not matter.
        Holds<u8, Plain> => FREE, "Future";
        Named => FREE, "Debug Future";
    }
}

/// A hook that owns a `T`; the future that it reads the output of has every trait.
fn hooked<T>(value: T) -> Instrumented<Holds<u8>, impl Sized> {
    telemetry::instrument(Holds(PhantomData, PhantomData), "name").on_output(move |_, _| {
        let _ = &value;
    })
}

#[test]
fn a_wrapper_has_the_auto_traits_of_its_hook_but_pins_none() {
    let unique: &'static mut u8 = Box::leak(Box::new(1));
    assert_eq!(traits_of!(of(hooked(1_u8))), FREE);
    assert_eq!(traits_of!(of(hooked(unique))), "Send Sync Unpin RefUnwindSafe");
    assert_eq!(traits_of!(of(hooked(Rc::new(1_u8)))), BOUND);
    assert_eq!(traits_of!(of(hooked(Cell::new(1_u8)))), "Send Unpin UnwindSafe");
    assert_eq!(traits_of!(of(hooked(PhantomPinned))), FREE);
}

/// A closure in context that owns a `T`; only its auto traits show through.
fn closure<T>(value: T) -> impl FnOnce() -> T + use<T> {
    telemetry::in_context_fn(move || value)
}

#[test]
fn a_closure_in_context_has_the_auto_traits_of_the_closure() {
    let unique: &'static mut u8 = Box::leak(Box::new(1));
    assert_eq!(traits_of!(of(closure(1_u8))), FREE);
    assert_eq!(traits_of!(of(closure(unique))), "Send Sync Unpin RefUnwindSafe");
    assert_eq!(traits_of!(of(closure(Rc::new(1_u8)))), BOUND);
    assert_eq!(traits_of!(of(closure(Cell::new(1_u8)))), "Send Unpin UnwindSafe");
}
