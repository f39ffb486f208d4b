//! OTLP to rows and back is the identity.

use proptest::prelude::*;
use prost::Message;

use super::prost_samples;
use super::prost_source::Source;
use crate::encode::otlp::Request;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn traces_written_as_they_come(request in prost_samples::traces()) {
        assert_written(&request)?;
    }

    #[test]
    fn metrics_written_as_they_come(request in prost_samples::metrics()) {
        assert_written(&request)?;
    }

    #[test]
    fn logs_written_as_they_come(request in prost_samples::logs()) {
        assert_written(&request)?;
    }
}

/// The request of many resources has prost's own bytes.
fn assert_written(from: &(impl Source + Message)) -> Result<(), TestCaseError> {
    let mut request = Request::with_capacity(0);
    from.lend(&mut request);
    let written = request.finish();
    prop_assert!(from.encode_to_vec() == written, "not prost's bytes");
    Ok(())
}
