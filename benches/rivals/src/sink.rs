//! A collector within the process, for metrics: what they say that was recorded is what was delivered.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering;

use crate::harness::DELIVERED;
use crate::{Result, items};

/// Gives its URL. Where no metric is asked for, it takes what comes and counts nothing.
pub fn start(metric: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are ports");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                if let Err(error) = serve(&stream, metric) {
                    eprintln!("rivals: the collector hangs up: {error}");
                }
            });
        }
    });
    format!("http://{address}/v1/metrics")
}

/// Until the exporter hangs up.
fn serve(stream: &TcpStream, metric: Option<&str>) -> Result<()> {
    let mut from = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if from.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        // They count from the start, so the last ones say all.
        let wanted = metric.as_slice();
        if let Some(recorded) = items::metrics(&body, wanted)?.records {
            DELIVERED.store(recorded, Ordering::Relaxed);
        }
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        (&*stream).write_all(answer)?;
    }
}
