//! The pod: what Kubernetes' downward API puts into variables, under the names that are in use.

use crate::config::report::Origin;
use crate::config::resolve::Resolver;
use crate::config::variables::*;

/// An attribute, the variables of OpenTelemetry's operator and charts, and the one of Kubernetes' own manual.
type Row = (&'static str, &'static [&'static Variable<String>], &'static Variable<String>);

static ROWS: [Row; 5] = [
    ("k8s.pod.name", &[&OTEL_RESOURCE_ATTRIBUTES_POD_NAME, &OTEL_K8S_POD_NAME], &POD_NAME),
    ("k8s.pod.uid", &[&OTEL_RESOURCE_ATTRIBUTES_POD_UID, &OTEL_K8S_POD_UID], &POD_UID),
    ("k8s.namespace.name", &[&OTEL_K8S_NAMESPACE], &POD_NAMESPACE),
    ("k8s.node.name", &[&OTEL_RESOURCE_ATTRIBUTES_NODE_NAME, &OTEL_K8S_NODE_NAME], &NODE_NAME),
    ("k8s.container.name", &[], &CONTAINER_NAME),
];

/// Other systems have a `NODE_NAME` of their own: the plain names count where there is Kubernetes.
pub(super) fn detect(resolver: &mut Resolver<'_>) -> Vec<(&'static str, String, Origin)> {
    let is_there = resolver.set(&[&KUBERNETES_SERVICE_HOST]).is_some();
    let mut found = Vec::new();
    for (key, variables, plain) in &ROWS {
        let value = resolver
            .set(variables)
            .or_else(|| if is_there { resolver.set(&[plain]) } else { None });
        if let Some((value, origin)) = value {
            found.push((*key, value, origin));
        }
    }
    found
}
