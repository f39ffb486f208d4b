//! Writes frames to standard output.

use std::io::{self, IsTerminal as _, Write};

use super::{Frame, Outcome};

/// The console exporter: what it is sent is text already.
#[derive(Debug)]
pub(crate) struct ConsoleExporter;

impl ConsoleExporter {
    /// Writes the body to standard output, whole or with an error; on the helper thread, since a
    /// pipe that nobody reads blocks.
    pub(crate) async fn send(&self, frame: &Frame) -> Outcome {
        frame.mark_sent();
        let frame = frame.clone();
        let write = move || write_frame(&mut io::stdout().lock(), &frame);
        let written = tokio::task::spawn_blocking(write).await;
        written.unwrap_or_else(|error| Outcome::Refused {
            error: format!("console exporter: {error}"),
        })
    }
}

/// Colours are for a person at a terminal who has not set `NO_COLOR`.
pub(crate) fn wants_color(no_color: bool) -> bool {
    !no_color && io::stdout().is_terminal()
}

fn write_frame(to: &mut impl Write, frame: &Frame) -> Outcome {
    match to.write_all(&frame.body.wire()).and_then(|()| to.flush()) {
        Ok(()) => Outcome::Delivered { rejected: 0, message: None },
        // Part of the text may have been written; a second attempt would show it twice.
        Err(cause) => Outcome::Refused {
            error: format!("console exporter: standard output takes nothing: {cause}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn frame() -> Frame {
        Frame::new(Bytes::from_static("trace …\n".as_bytes()).into(), 1, 1, 1)
    }

    #[test]
    fn the_body_is_written_as_it_is() {
        let mut written = Vec::new();
        let outcome = write_frame(&mut written, &frame());
        assert_eq!(outcome, Outcome::Delivered { rejected: 0, message: None });
        assert_eq!(written, frame().body.wire());
    }

    #[test]
    fn a_closed_pipe_refuses_and_is_named() {
        let Outcome::Refused { error } = write_frame(&mut Closed, &frame()) else {
            panic!("nobody reads")
        };
        assert!(error.contains("broken pipe"), "{error}");
    }
}
