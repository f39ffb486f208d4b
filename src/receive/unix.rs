//! A listener at a file.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket};

use super::gateway::Peer;
use super::stream::Accepted;

const BACKLOG: u32 = 1024;
const ROOT: u32 = 0;

/// A socket file, taken away at the end if it is still the one that was made.
pub(super) struct SocketFile {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file, and the user that it belongs to, which is ours.
    id: (u64, u64),
    owner: u32,
}

impl SocketFile {
    /// A file that is there already is removed only if it is a socket that nobody listens at.
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        if let Ok(there) = fs::symlink_metadata(path) {
            if !there.file_type().is_socket() {
                let what = "there is a file that is no socket, and it is left alone";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
            }
            match UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    fs::remove_file(path)?;
                }
                Err(error) => return Err(error),
                Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            }
        }
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        // Nobody can connect before it listens.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        let file = fs::symlink_metadata(path)?;
        let listener = socket.listen(BACKLOG)?;
        let (id, owner) = ((file.dev(), file.ino()), file.uid());
        Ok(Self { listener, path: path.to_owned(), id, owner })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Permission is denied to peers of other users, whatever the file's mode says by now.
    pub(super) async fn accept(&self) -> io::Result<(Accepted, Peer)> {
        let (stream, _) = self.listener.accept().await?;
        let user = stream.peer_cred()?.uid();
        if user != self.owner && user != ROOT {
            let what =
                format!("user {user} is not the one that {} belongs to", self.path.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        Ok((Accepted::Unix(stream.into_std()?), Peer::User(user)))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let still = fs::symlink_metadata(&self.path);
        if still.is_ok_and(|file| (file.dev(), file.ino()) == self.id) {
            // Whoever starts next finds a stale file and removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("trackside-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn only_its_owner_may_use_it_and_it_goes_with_its_listener() {
        let (runtime, path) = (runtime(), path("mode"));
        let _guard = runtime.enter();
        let socket = SocketFile::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_file_is_replaced_a_live_one_and_other_files_are_not() {
        let (runtime, path) = (runtime(), path("stale"));
        let _guard = runtime.enter();
        // The standard library's listener leaves its file behind, as a killed process does.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = SocketFile::bind(&path).unwrap();
        let error = SocketFile::bind(&path).map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(first);
        fs::write(&path, "precious").unwrap();
        assert!(SocketFile::bind(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(&path).unwrap();
    }
}
