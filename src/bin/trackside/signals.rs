//! Signals that ask the process to end.

use std::io;
use std::sync::mpsc;

/// A message for each signal from now on; two of them are enough.
pub(crate) fn watch() -> io::Result<mpsc::Receiver<&'static str>> {
    let (sender, signals) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ready, is_ready) = mpsc::channel();
    let run = move || runtime.block_on(wait(&sender, &ready));
    std::thread::Builder::new().name("trackside-signals".into()).spawn(run)?;
    is_ready.recv().unwrap_or_else(|_| Err(io::Error::other("no signals can be watched")))?;
    Ok(signals)
}

#[cfg(unix)]
async fn wait(sender: &mpsc::Sender<&'static str>, ready: &mpsc::Sender<io::Result<()>>) {
    use tokio::signal::unix::{SignalKind, signal};
    let both = signal(SignalKind::terminate())
        .and_then(|terminate| Ok((terminate, signal(SignalKind::interrupt())?)));
    let (mut terminate, mut interrupt) = match both {
        Ok(both) => both,
        Err(error) => return drop(ready.send(Err(error))),
    };
    drop(ready.send(Ok(())));
    loop {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        if sender.send(name).is_err() {
            return;
        }
    }
}

#[cfg(not(unix))]
async fn wait(sender: &mpsc::Sender<&'static str>, ready: &mpsc::Sender<io::Result<()>>) {
    drop(ready.send(Ok(())));
    while tokio::signal::ctrl_c().await.is_ok() && sender.send("Ctrl-C").is_ok() {}
}
