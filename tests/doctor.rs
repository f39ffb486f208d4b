//! `trackside doctor`: what it prints, and its exit status.

#![cfg(feature = "cli")]

mod support;

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use support::collector::{Collector, Step};
use support::{receiver, wait_until};

/// Runs it with these variables and no others of ours.
fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trackside"));
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("OTEL_") || name.to_uppercase().ends_with("_PROXY") {
            command.env_remove(&variable);
        }
    }
    command.envs(variables.iter().copied()).arg("doctor").args(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let waiting = std::thread::spawn(|| child.wait_with_output().expect("it ends"));
    wait_until("the end of the doctor", || waiting.is_finished());
    waiting.join().expect("it was waited for")
}

fn text(output: &Output) -> String {
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("it is text")
}

#[test]
fn a_collector_that_takes_all_is_healthy() {
    let collector = Collector::start();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url()), ("OTEL_SERVICE_NAME", "shop")];
    let output = doctor(&[], &variables);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    for signal in ["traces", "metrics", "logs"] {
        let line = format!("ok {signal} to {}/v1/{signal}: arrived\n", collector.url());
        assert!(printed.contains(&line), "{printed}");
    }
    assert!(printed.contains("OTEL_SERVICE_NAME") && printed.ends_with("healthy\n"), "{printed}");
    let spans = collector.spans();
    assert_eq!((spans.len(), spans[0].name.as_str()), (1, "trackside.doctor"));
    assert_eq!(collector.requests().len(), 3);
}

#[test]
fn a_receiver_that_takes_all_is_healthy() {
    let collector = Collector::start();
    let receiver = receiver::start(&collector.url());
    let output = doctor(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver::endpoint(&receiver))]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(collector.spans().len(), 1);
    receiver::end(&receiver);
}

#[test]
fn trouble_is_exit_status_1_with_a_sentence() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let elsewhere = Collector::start();
    elsewhere.script(vec![Step::status(404); 3]);
    let missing = elsewhere.url();
    let table = [
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", nobody.as_str())], "nothing listens there: start"),
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", missing.as_str())], "there is no OTLP at this path"),
        (vec![], "not healthy: nothing is sent anywhere; set OTEL_EXPORTER_OTLP_ENDPOINT"),
    ];
    for (variables, words) in table {
        let output = doctor(&["--timeout", "10"], &variables);
        let printed = text(&output);
        assert_eq!(output.status.code(), Some(1), "{printed}");
        assert!(printed.contains(words), "{printed}");
    }
}

/// What it says of each signal, and that it is the same of all three; the exit status is that of trouble.
#[track_caller]
fn sentence(variables: &[(&str, &str)]) -> String {
    let output = doctor(&["--timeout", "10"], variables);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.ends_with("\nnot healthy\n"), "{printed}");
    let found: Vec<_> = printed.lines().filter_map(|line| line.strip_prefix("!! ")).collect();
    assert_eq!(found.len(), 3, "{printed}");
    found[0].to_owned()
}

/// A server of gRPC: whoever connects is told so, and then listened to until it goes.
fn of_grpc() -> String {
    use std::io::{Read as _, Write as _};

    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                // Settings, as HTTP/2 begins.
                let _ = stream.write_all(b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0");
                let _ = stream.read(&mut [0; 1024]);
            });
        }
    });
    address.to_string()
}

#[test]
fn nothing_listening_has_its_sentence() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let said = sentence(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{nobody}"))]);
    let expected = format!(
        "traces to http://{nobody}/v1/traces: nothing listens there: start the collector, or correct the \
         port: usual are 4318 for OTLP over HTTP, 4317 for gRPC, 4319 for Cap'n Proto ("
    );
    assert!(said.starts_with(&expected) && said.contains("Connection refused"), "{said}");
}

#[test]
fn a_path_without_otlp_has_its_sentence() {
    let collector = Collector::start();
    collector.script(vec![Step::status(404); 3]);
    let said = sentence(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("{}/api", collector.url()))]);
    let expected = format!(
        "traces to {}/api/v1/traces: an HTTP server answers, but there is no OTLP at this path: \
         OTEL_EXPORTER_OTLP_ENDPOINT is a base to which /v1/traces is added; \
         OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is used as it is and needs the whole path (",
        collector.url()
    );
    assert!(said.starts_with(&expected) && said.contains("answered 404"), "{said}");
}

#[cfg(feature = "tls")]
#[test]
fn a_certificate_of_another_name_has_its_sentence() {
    use support::certificates::{Authority, Directory};
    use support::terminator::{Terminator, config};

    let (directory, authority, collector) =
        (Directory::new(), Authority::new("here"), Collector::start());
    let roots = directory.write("ca.pem", &authority.pem);
    let address = collector.url().replace("http://", "").parse().unwrap();
    let server = Terminator::to(address, config(&authority.issue("collector.example"), None));
    let url = server.url("https");
    let roots = ("OTEL_EXPORTER_OTLP_CERTIFICATE", &*roots);
    let said = sentence(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), roots]);
    let expected = format!("traces to {url}/v1/traces: its certificate is another host's: ");
    assert!(said.starts_with(&expected), "{said}");
    assert!(
        said.ends_with(
            "TLS: wrong name: the server's certificate is for collector.example, not for localhost; use a \
             name that it has, or renew it"
        ),
        "{said}"
    );
    let plain = format!("https://{}", of_grpc());
    let said = sentence(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &plain), roots]);
    assert!(said.contains("it was spoken to with TLS, and does not speak it: write the"), "{said}");
}

#[test]
fn grpc_given_as_http_has_its_sentence() {
    let grpc = of_grpc();
    let said = sentence(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{grpc}"))]);
    let port = grpc.rsplit_once(':').unwrap().1;
    let start = format!(
        "traces to http://{grpc}/v1/traces: it speaks gRPC, and was sent OTLP over HTTP/1.1: port {port} is \
         its port for gRPC; "
    );
    assert!(said.starts_with(&start), "{said}");
    assert!(said.ends_with("use the one for OTLP over HTTP, usually 4318"), "{said}");
    assert_eq!(said.contains("set OTEL_EXPORTER_OTLP_PROTOCOL=grpc"), cfg!(feature = "grpc"));
}

#[test]
fn a_name_that_does_not_resolve_and_a_wrong_token_have_theirs() {
    let said = sentence(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.invalid:4318")]);
    let expected =
        "the host's name does not resolve: correct \"collector.invalid\" in the endpoint";
    assert!(said.contains(expected), "{said}");
    let collector = Collector::start();
    collector.script(vec![Step::status(401); 3]);
    let said = sentence(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    let expected = "it wants other credentials: set OTEL_EXPORTER_OTLP_HEADERS to what it wants";
    assert!(said.contains(expected), "{said}");
}

#[cfg(feature = "grpc")]
#[test]
fn grpc_is_examined_too() {
    use support::grpc;

    let collector = grpc::Collector::start();
    let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let endpoint = collector.url();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), protocol];
    let output = doctor(&[], &variables);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.contains(&format!("ok traces to {endpoint}: arrived\n")), "{printed}");
    assert_eq!(collector.requests().len(), 3);

    for (code, words) in [
        (16, "it wants other credentials: "),
        (12, "it speaks gRPC, but has no OTLP for this signal: switch its receiver for traces on"),
        (14, "it takes nothing just now: "),
        (3, "it refused the request: "),
    ] {
        collector.script(vec![grpc::Step::status(code); 3]);
        let said = sentence(&variables);
        assert!(said.contains(words), "{code}: {said}");
    }
    let http = Collector::start();
    let said = sentence(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &http.url()), protocol]);
    let expected = "it speaks HTTP/1.1, and was sent OTLP over gRPC: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf";
    assert!(said.contains(expected), "{said}");
}

#[cfg(feature = "config-file")]
#[test]
fn a_file_of_configuration_is_examined_as_variables_are() {
    let collector = Collector::start();
    let path = std::env::temp_dir().join(format!("trackside-doctor-{}.yaml", std::process::id()));
    let text_of = |endpoint: &str| {
        format!(
            "file_format: \"1.0\"\ntracer_provider:\n  processors:\n    - batch:\n        exporter:\n          \
             otlp_http:\n            endpoint: {endpoint}/v1/traces\n"
        )
    };
    std::fs::write(&path, text_of(&collector.url())).unwrap();
    let variables = [("OTEL_CONFIG_FILE", path.to_str().unwrap())];
    let output = doctor(&[], &variables);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.contains("OTEL_CONFIG_FILE, line 7"), "{printed}");
    assert_eq!(collector.spans().len(), 1);
    std::fs::write(&path, "file_format: \"9.0\"\n").unwrap();
    let said = sentence(&variables);
    std::fs::remove_file(&path).unwrap();
    assert!(said.contains("file_format: \"9.0\" cannot be read"), "{said}");
}

#[test]
fn for_machines_it_is_one_object() {
    let collector = Collector::start();
    collector.script(vec![Step::status(401); 3]);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret-token"),
    ];
    let output = doctor(&["--json"], &variables);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(!printed.contains("s3cret-token"), "{printed}");
    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(json["healthy"], false);
    let causes: Vec<_> =
        json["findings"].as_array().unwrap().iter().map(|one| &one["cause"]).collect();
    assert_eq!(causes, ["unauthorized"; 3]);
}
