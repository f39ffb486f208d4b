//! stub
#![allow(missing_docs)]
pub(crate) mod plan;
use std::sync::Arc; use crate::error::Error; use plan::*; use std::time::Duration; use crate::telemetry::*;
#[derive(Clone, Default)]
#[must_use]
pub struct TelemetryConfig { v: Option<Vec<(String,String)>>, hook: Option<Arc<dyn Fn(&str)+Send+Sync>>, console: bool }
#[derive(Clone,Debug)] pub struct Report(Vec<String>);
impl Report { pub(crate) fn diagnostics(&self)->&[String]{&self.0} pub(crate) fn note(&mut self,s:String){self.0.push(s)} }
impl std::fmt::Display for Report { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f,"{:?}",self.0) } }
impl std::fmt::Debug for TelemetryConfig { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("TelemetryConfig") } }
pub(crate) struct Resolved { pub(crate) plan: Plan, pub(crate) report: Report }
impl TelemetryConfig {
 pub fn or_console(mut self)->Self{self.console=true;self}
 pub fn resolve(&self)->Report{Report(vec![])}
 pub(crate) fn with_variables(mut self, v: Vec<(String,String)>)->Self{self.v=Some(v);self}
 pub(crate) fn diagnostic_hook(&self)->Option<Arc<dyn Fn(&str)+Send+Sync>>{self.hook.clone()}
 pub fn with_service_name(self,_:&str)->Self{self}
 pub fn with_service_version(self,_:&str)->Self{self}
 pub(crate) fn plan(&self)->Result<Resolved,Error>{
  let mut exporters=vec![];
  if let Ok(e)=std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT"){ exporters.push(ExporterPlan::Otlp(OtlpPlan{url:format!("{e}/v1/traces").parse().unwrap(),headers:vec![],timeout:Some(Duration::from_secs(10)),gzip:false})); }
  else if self.console { exporters.push(ExporterPlan::Console{no_color:false}); }
  Ok(Resolved{plan:Plan{resource:vec![("service.name".into(),"stub".into())],traces:TracesPlan{exporters,why:"stub".into(),batch:BatchPlan{schedule_delay:Duration::from_secs(5),export_timeout:None,max_queue:2048,max_batch:512}},propagators:Propagators{trace_context:true,baggage:true},sampler:SamplerPlan::ParentBased(Root::AlwaysOn),limits:Limits{value_length:None,attributes:128,events:128,links:128,event_attributes:128,link_attributes:128},memory:64<<20,drop_deadline:Duration::from_secs(5),pace:Pace::Prompt},report:Report(vec![])})
 }
}
