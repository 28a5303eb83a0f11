//! What is not a policy is refused, with the reason.

use domain::hooks::Hook;
use plugin_host::{Error, inspect, limits};

use crate::harness::{Fixture, component};

fn reasons(wasm: &[u8]) -> String {
    inspect(wasm).unwrap_err().to_string()
}

#[test]
fn a_component_is_described() {
    let wasm = component("routing_nearest");
    let inspection = inspect(&wasm).unwrap();
    assert_eq!(
        (inspection.hook, inspection.wit_version.as_str(), inspection.size),
        (Hook::Routing, "0.1.0", wasm.len())
    );
    assert_eq!(inspection.digest, plugin_host::digest(&wasm));
    assert!(inspection.imports.iter().all(|i| i.starts_with("orderwright:policy/")), "{:?}", inspection.imports);
    assert!(inspection.functions > 10);
}

#[test]
fn what_is_no_component_is_refused_in_plain_words() {
    assert!(reasons(b"").contains("not WebAssembly"));
    assert!(reasons(b"#!/bin/sh").contains("not WebAssembly"));
    assert!(reasons(b"\0asm\x01\0\0\0").contains("core module"));
    assert!(reasons(b"\0asm\x0d\0\x01\0").contains("serves no hook"));
    assert!(reasons(&vec![0; limits::COMPONENT_BYTES + 1]).contains("bytes"));
}

#[tokio::test]
async fn a_policy_for_another_hook_is_refused() {
    let error = Fixture::new().host.load(None, &component("tax_table"), Hook::Risk).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(r) if r.reasons == ["it serves the hook `tax`, not `risk`"]), "{error}");
}
