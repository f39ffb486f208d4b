//! Metrics and their points.

use std::mem::size_of;

use capnp::{NotInSchema, struct_list};

use super::{Check, FIXED, INT, LONG_HEAD, SPAN, TRACE};
use crate::encode::view;
use crate::receive::rows::Refusal;
use crate::receive::rows::refusal::unknown;
use crate::schema::metrics_capnp::{
    exemplar, exponential_histogram_point, histogram_point, metric, metrics_data, number_point,
    summary_point,
};

/// The most that the fields of fixed width take: heads, times, flags, counts, sums and bounds.
const METRIC_FIELDS: u64 = 2 * LONG_HEAD + INT + 2;
const POINT_FIELDS: u64 = LONG_HEAD + 2 * FIXED + 6;
const NUMBER_FIELDS: u64 = POINT_FIELDS + FIXED;
const HISTOGRAM_FIELDS: u64 = POINT_FIELDS + 4 * FIXED;
const EXPONENTIAL_FIELDS: u64 = POINT_FIELDS + 6 * FIXED + 6 + 2 * (LONG_HEAD + 6);
const SUMMARY_FIELDS: u64 = POINT_FIELDS + 2 * FIXED;
const QUANTILE_FIELDS: u64 = 2 + 2 * FIXED;
const EXEMPLAR_FIELDS: u64 = LONG_HEAD + 2 * FIXED + TRACE + SPAN;

impl Check<'_> {
    pub(super) fn metrics(&mut self, data: metrics_data::Reader<'_>) -> Result<(), Refusal> {
        for group in data.get_resource_metrics()? {
            self.resource(group.get_resource()?, group.get_schema_url())?;
            for group in group.get_scope_metrics()? {
                self.scope(group.get_scope()?, group.get_schema_url())?;
                for metric in group.get_metrics()? {
                    self.metric(metric)?;
                }
            }
        }
        Ok(())
    }

    fn metric(&mut self, metric: metric::Reader<'_>) -> Result<(), Refusal> {
        use metric::data::Which;
        let name = self.text(metric.get_name(), "metric.name")?;
        let description = self.text(metric.get_description(), "metric.description")?;
        let unit = self.text(metric.get_unit(), "metric.unit")?;
        self.grow(METRIC_FIELDS + name + description + unit)?;
        let mut built = self.built_pairs(metric.get_metadata()?, "metric.metadata")?;
        match metric.get_data().which().map_err(|kind| unknown("metric.data", kind))? {
            Which::None(()) => {}
            Which::Gauge(data) => built += self.points(data.get_points()?, Self::number)?,
            Which::Sum(data) => built += self.points(data.get_points()?, Self::number)?,
            Which::Histogram(data) => built += self.points(data.get_points()?, Self::histogram)?,
            Which::ExponentialHistogram(data) => {
                built += self.points(data.get_points()?, Self::exponential)?;
            }
            Which::Summary(data) => built += self.points(data.get_points()?, Self::summary)?,
        }
        // A metric's view is built, so its memory is kept within the same bound.
        if built > self.limit { Err(self.too_large()) } else { Ok(()) }
    }

    /// Checks each point; gives the memory that their views take.
    fn points<'a, T: capnp::traits::OwnedStruct>(
        &mut self,
        points: struct_list::Reader<'a, T>,
        check: impl Fn(&mut Self, T::Reader<'a>) -> Result<u64, Refusal>,
    ) -> Result<u64, Refusal> {
        self.items += u64::from(points.len());
        let mut built = 0;
        for point in points {
            // Of all kinds the largest.
            built += size_of::<view::Point<'_, view::ExponentialHistogram>>() as u64;
            built += check(self, point)?;
        }
        Ok(built)
    }

    fn number(&mut self, point: number_point::Reader<'_>) -> Result<u64, Refusal> {
        point.get_value().which().map_err(|kind| unknown("numberPoint.value", kind))?;
        self.grow(NUMBER_FIELDS)?;
        let built = self.built_pairs(point.get_attributes()?, "numberPoint.attributes")?;
        Ok(built + self.exemplars(point.get_exemplars()?)?)
    }

    fn histogram(&mut self, point: histogram_point::Reader<'_>) -> Result<u64, Refusal> {
        let known = |kind: NotInSchema| unknown("histogramPoint", kind);
        point.get_sum().which().map_err(known)?;
        point.get_min().which().map_err(known)?;
        point.get_max().which().map_err(known)?;
        self.grow(HISTOGRAM_FIELDS)?;
        let counts = self.numbers(point.get_bucket_counts()?.len(), 8)?;
        let bounds = self.numbers(point.get_explicit_bounds()?.len(), 8)?;
        let built = self.built_pairs(point.get_attributes()?, "histogramPoint.attributes")?;
        Ok(counts + bounds + built + self.exemplars(point.get_exemplars()?)?)
    }

    fn exponential(
        &mut self,
        point: exponential_histogram_point::Reader<'_>,
    ) -> Result<u64, Refusal> {
        let known = |kind: NotInSchema| unknown("exponentialHistogramPoint", kind);
        point.get_sum().which().map_err(known)?;
        point.get_min().which().map_err(known)?;
        point.get_max().which().map_err(known)?;
        self.grow(EXPONENTIAL_FIELDS)?;
        let positive = self.numbers(point.get_positive().get_counts()?.len(), 10)?;
        let negative = self.numbers(point.get_negative().get_counts()?.len(), 10)?;
        let attributes = point.get_attributes()?;
        let built = self.built_pairs(attributes, "exponentialHistogramPoint.attributes")?;
        Ok(positive + negative + built + self.exemplars(point.get_exemplars()?)?)
    }

    fn summary(&mut self, point: summary_point::Reader<'_>) -> Result<u64, Refusal> {
        let quantiles = u64::from(point.get_quantiles()?.len());
        self.grow(SUMMARY_FIELDS + quantiles * QUANTILE_FIELDS)?;
        let built = self.built_pairs(point.get_attributes()?, "summaryPoint.attributes")?;
        Ok(built + quantiles * size_of::<(f64, f64)>() as u64)
    }

    /// A list of `length` numbers that take `width` bytes each at most.
    fn numbers(&mut self, length: u32, width: u64) -> Result<u64, Refusal> {
        self.grow(LONG_HEAD + width * u64::from(length))?;
        Ok(u64::from(length) * 8)
    }

    fn exemplars(
        &mut self,
        exemplars: struct_list::Reader<'_, exemplar::Owned>,
    ) -> Result<u64, Refusal> {
        let mut built = 0;
        for exemplar in exemplars {
            exemplar.get_value().which().map_err(|kind| unknown("exemplar.value", kind))?;
            self.grow(EXEMPLAR_FIELDS)?;
            built += size_of::<view::Exemplar<'_>>() as u64;
            let attributes = exemplar.get_filtered_attributes()?;
            built += self.built_pairs(attributes, "exemplar.filteredAttributes")?;
        }
        Ok(built)
    }
}
