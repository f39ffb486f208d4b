//! One side against the other, in what no test of the whole can see.

use tokio::net::{TcpListener, TcpStream};

use super::made::{Authority, Directory};
use super::{Certificates, Client, PemFile, Protocol};

#[test]
fn a_key_is_shown_nowhere() {
    let directory = Directory::new();
    let pair = Authority::new("a").issue("h");
    let (certificate, key) = pair.write(&directory, "a");
    let identity = (PemFile::new("A", &certificate), PemFile::new("B", &key));
    let certificates = Certificates { identity: Some(identity), ..Certificates::default() };
    super::check(&certificates).unwrap();
    let shown = format!("{certificates:?}");
    let secret = pair.key.lines().nth(1).unwrap();
    assert!(shown.contains(&key) && !shown.contains(secret), "{shown}");
}

#[tokio::test]
async fn a_name_that_no_certificate_has_is_an_error() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    for name in ["a b", "", "ä"] {
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut client = Client::new(name, &Certificates::default(), Protocol::Http1);
        let error = client.secure(stream).await.err().expect("no name");
        assert!(error.contains("no name that a certificate can have"), "{error}");
    }
}

#[test]
fn nothing_of_the_process_is_set() {
    let directory = Directory::new();
    let roots = directory.write("ca.pem", &Authority::new("a").pem);
    let roots = Some(PemFile::new("A", roots));
    super::check(&Certificates { roots, ..Certificates::default() }).unwrap();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
