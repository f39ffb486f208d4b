//! Which certificates TLS gets: whose setting counts, what is shown, and what cannot be used.

use super::signals::{SIGNALS, Signal};
use super::with;
use crate::config::TelemetryConfig;
use crate::config::plan::{ExporterPlan, Plan};
use crate::tls::made::{Authority, Directory};
use crate::tls::{Certificates, SUPPORTED};

const ROOTS: &str = "OTEL_EXPORTER_OTLP_SIGNAL_CERTIFICATE";
const SHOWN: &str = "OTEL_EXPORTER_OTLP_SIGNAL_CLIENT_CERTIFICATE";
const KEY: &str = "OTEL_EXPORTER_OTLP_SIGNAL_CLIENT_KEY";
const ENDPOINTS: [&str; 2] = ["https://h:4318", "capnps://h:4319"];

fn certificates(signal: &Signal, plan: &Plan) -> Option<Certificates> {
    signal.exporters(plan).first().map(|exporter| match exporter {
        ExporterPlan::Otlp(plan) => plan.certificates.clone(),
        ExporterPlan::Capnp(plan) => plan.certificates.clone(),
        other => panic!("{other}"),
    })
}

/// Variables, the file that is named, and what is to be done.
type BadFiles<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

/// The names of files, those of the authorities first.
fn files(certificates: &Certificates) -> Vec<String> {
    let identity = certificates.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
    let all = certificates.roots.iter().chain(identity);
    all.map(|file| file.path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// What is planned for the signal, and what is shown and said.
fn planned(
    signal: &Signal,
    config: TelemetryConfig,
    endpoint: &str,
    variables: &[(&str, &str)],
) -> (Option<Vec<String>>, String) {
    let mut spelt = vec![("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint)];
    spelt.extend(variables.iter().map(|(name, value)| (signal.spell(name), *value)));
    let spelt: Vec<_> = spelt.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let resolved = with(config, &spelt);
    let found = certificates(signal, &resolved.plan).map(|found| files(&found));
    (found, resolved.report.to_string())
}

#[test]
fn an_argument_then_the_signals_own_file_then_the_general_one() {
    if !SUPPORTED {
        return;
    }
    let directory = Directory::new();
    let authority = Authority::new("a");
    let roots =
        ["own", "all", "arg"].map(|name| directory.write(&format!("{name}.ca"), &authority.pem));
    let [own, all, arg] =
        ["own", "all", "arg"].map(|name| authority.issue("h").write(&directory, name));
    let general = [
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", &*roots[1]),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &*all.0),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &*all.1),
    ];
    let both = [&[(ROOTS, &*roots[0]), (SHOWN, &*own.0), (KEY, &*own.1)], &general[..]].concat();
    let names = |name: &str| Some(["ca", "pem", "key"].map(|end| format!("{name}.{end}")).to_vec());
    for (signal, endpoint) in SIGNALS.iter().flat_map(|signal| ENDPOINTS.map(|at| (signal, at))) {
        let none = || TelemetryConfig::default();
        assert_eq!(planned(signal, none(), endpoint, &[]).0, Some(Vec::new()));
        assert_eq!(planned(signal, none(), endpoint, &general).0, names("all"));
        assert_eq!(planned(signal, none(), endpoint, &both).0, names("own"));
        let argued = none().with_certificate(&roots[2]).with_client_certificate(&arg.0, &arg.1);
        let (found, shown) = planned(signal, argued, endpoint, &both);
        assert_eq!(found, names("arg"));
        for path in [&roots[2], &arg.0, &arg.1] {
            assert!(shown.contains(path.as_str()), "{shown}");
        }
        assert!(!shown.contains("PRIVATE") && !shown.contains("\n! "), "{shown}");
        // Empty is unset, for a part of it too.
        let (found, _) =
            planned(signal, none(), endpoint, &[&[(ROOTS, "")], &general[..]].concat());
        assert_eq!(found, names("all"));
    }
}

#[test]
fn what_cannot_be_used_names_variable_file_and_remedy() {
    if !SUPPORTED {
        return;
    }
    let directory = Directory::new();
    let (here, there) = (Authority::new("here").issue("h"), Authority::new("there").issue("h"));
    let (good, key) = here.write(&directory, "good");
    let (_, other) = there.write(&directory, "other");
    let text = directory.write("text", "hello");
    let broken = directory.write("broken", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    let junk = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let junk = directory.write("junk", junk);
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\naGVsbG8=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let locked = directory.write("locked", locked);
    let folder = directory.path("");
    let rows: &[BadFiles<'_>] = &[
        (&[(ROOTS, "/no/such")], "/no/such", "no such file; correct the path"),
        (&[(ROOTS, &folder)], &folder, "not a file"),
        (&[(ROOTS, &text)], &text, "holds no certificate; it has to be in PEM form"),
        (&[(ROOTS, &broken)], &broken, "broken PEM"),
        (&[(ROOTS, &junk)], &junk, "no certificate"),
        (&[(ROOTS, &key)], &key, "holds no certificate"),
        (&[(SHOWN, &good)], &good, "its key is missing; set OTEL_EXPORTER_OTLP_CLIENT_KEY"),
        (&[(KEY, &key)], &key, "its certificate is missing; set OTEL_EXPORTER_OTLP_CLIENT_CERT"),
        (&[(SHOWN, &good), (KEY, &good)], &good, "holds no private key"),
        (&[(SHOWN, &good), (KEY, &locked)], &locked, "encrypted; decrypt it"),
        (&[(SHOWN, &good), (KEY, &other)], &other, "not the key of the certificate"),
        (&[(SHOWN, &text), (KEY, &key)], &text, "holds no certificate"),
    ];
    for (signal, endpoint) in SIGNALS.iter().flat_map(|signal| ENDPOINTS.map(|at| (signal, at))) {
        for (variables, file, remedy) in rows {
            let (found, shown) = planned(signal, TelemetryConfig::default(), endpoint, variables);
            assert_eq!(found, None, "the signal is off: {shown}");
            let line = shown.lines().find(|line| line.starts_with("! ") && line.contains(file));
            let line = line.unwrap_or_else(|| panic!("{file}: {shown}"));
            assert!(
                line.contains(remedy) && line.contains("_CLIENT_KEY") | line.contains("_CERT"),
                "{line}"
            );
        }
    }
    let config = TelemetryConfig::default().with_client_certificate(&good, &other);
    let error = config.with_variables(Vec::new()).plan().unwrap_err().to_string();
    assert!(error.contains("with_client_certificate(") && error.contains(&other), "{error}");
}

#[test]
fn without_tls_a_certificate_is_noted_and_not_read() {
    for endpoint in ["http://h:4318", "capnp://h:4319"] {
        let variables = [(ROOTS, "/no/such")];
        let signal = &SIGNALS[0];
        let (found, shown) = planned(signal, TelemetryConfig::default(), endpoint, &variables);
        assert_eq!(found, Some(Vec::new()));
        assert!(shown.contains("\"/no/such\": not used, since there is no TLS"), "{shown}");
    }
}

#[test]
fn insecure_is_about_grpc() {
    for name in ["OTEL_EXPORTER_OTLP_INSECURE", "OTEL_EXPORTER_OTLP_SIGNAL_INSECURE"] {
        let signal = &SIGNALS[1];
        let variables = [(name, "true")];
        let (found, shown) =
            planned(signal, TelemetryConfig::default(), "http://h:4318", &variables);
        assert_eq!(found, Some(Vec::new()));
        let line = format!("! {}: not used: it is about gRPC", signal.spell(name));
        assert!(shown.contains(&line), "{shown}");
    }
}
