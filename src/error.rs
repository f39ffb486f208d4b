//! stub
#![allow(missing_docs)]
#[derive(Clone, Debug)]
pub struct Error(String);
impl Error { pub(crate) fn argument(a:&str,b:&str,c:&str)->Self{Self(format!("{a} {b} {c}"))} pub(crate) fn timed_out(m:String)->Self{Self(m)} pub(crate) fn start(m:String)->Self{Self(m)} }
impl std::fmt::Display for Error { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) } }
impl std::error::Error for Error {}
