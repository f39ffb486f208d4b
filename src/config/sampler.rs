//! Samplers by their names: as arguments, and while telemetry runs.

use super::parse;
use super::plan::{Root, SamplerPlan};
use crate::error::Error;

/// What `field` was given; a ratio that is not given is 1.
pub(crate) fn named(field: &str, name: &str, ratio: Option<f64>) -> Result<SamplerPlan, Error> {
    let mut sampler = parse::sampler(name, &mut Vec::new()).ok_or_else(|| {
        let remedy = format!("use one of {}", parse::sampler_names());
        Error::argument(field, name, &remedy)
    })?;
    let Some(ratio) = ratio else { return Ok(sampler) };
    let remedy = match ratio_of(&mut sampler) {
        Some(place) if (0.0..=1.0).contains(&ratio) => {
            *place = ratio;
            return Ok(sampler);
        }
        Some(_) => "the ratio is a number from 0 to 1",
        None => "this sampler takes no ratio; give None",
    };
    Err(Error::argument(field, &format!("{name}, {ratio}"), remedy))
}

pub(super) fn ratio_of(sampler: &mut SamplerPlan) -> Option<&mut f64> {
    match sampler {
        SamplerPlan::Ratio(ratio) | SamplerPlan::ParentBased(Root::Ratio(ratio)) => Some(ratio),
        _ => None,
    }
}
