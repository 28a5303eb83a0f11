//! What is not a policy is refused, with the reason.

use domain::hooks::Hook;
use plugin_host::{Error, inspect, limits};

use crate::harness::{Fixture, component};

fn reasons(wasm: &[u8]) -> String {
    inspect(wasm).unwrap_err().to_string()
}

/// Replaces every occurrence of a text by another of the same length.
fn replaced(wasm: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = wasm.to_vec();
    let mut at = 0;
    let mut count = 0;
    while let Some(found) = out[at..].windows(from.len()).position(|w| w == from.as_bytes()) {
        out[at + found..at + found + to.len()].copy_from_slice(to.as_bytes());
        at += found + to.len();
        count += 1;
    }
    assert!(count > 0, "{from} does not occur");
    out
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

#[test]
fn a_foreign_import_is_named() {
    let foreign = replaced(&component("fixture_trap"), "orderwright:policy/log@0.1.0", "orderwright:secret/db1@0.1.0");
    assert!(reasons(&foreign).contains("`orderwright:secret/db1@0.1.0`"), "{}", reasons(&foreign));
}

#[test]
fn another_revision_is_told() {
    let newer = replaced(&component("tax_table"), "taxation@0.1.0", "taxation@0.9.0");
    assert!(reasons(&newer).contains("taxation@0.9.0"), "{}", reasons(&newer));
}

/// A section or a body: its length before it. Lengths are LEB128, here always of five bytes.
fn sized(content: &[u8]) -> Vec<u8> {
    let mut out = number(content.len());
    out.extend_from_slice(content);
    out
}

fn number(value: usize) -> Vec<u8> {
    (0..5).map(|n| (value >> (7 * n)) as u8 & 0x7f | if n < 4 { 0x80 } else { 0 }).collect()
}

/// A component around one module with so many functions, each with so many instructions that do nothing.
fn component_of(functions: usize, nops: usize) -> Vec<u8> {
    let section = |id: u8, content: &[u8]| [&[id], sized(content).as_slice()].concat();
    let body = [&[0], vec![1; nops].as_slice(), &[0x0b]].concat();
    let types = section(1, &[1, 0x60, 0, 0]);
    let declared = section(3, &[number(functions), vec![0; functions]].concat());
    let code = section(10, &[number(functions), sized(&body).repeat(functions)].concat());
    let module = [b"\0asm\x01\0\0\0".as_slice(), &types, &declared, &code].concat();
    [b"\0asm\x0d\0\x01\0".as_slice(), &section(1, &module)].concat()
}

#[test]
fn dimensions_are_counted_before_anything_is_compiled() {
    assert_eq!(reasons(&component_of(10, 10)), reasons(b"\0asm\x0d\0\x01\0"), "a small one lacks its export only");
    assert!(reasons(&component_of(limits::FUNCTIONS as usize + 1, 0)).contains("it has 100001 functions"));
    assert!(reasons(&component_of(1, limits::FUNCTION_BYTES)).contains("bytes in its largest function"));
}

#[tokio::test]
async fn a_policy_for_another_hook_is_refused() {
    let error = Fixture::new().host.load(None, &component("tax_table"), Hook::Risk).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(r) if r.reasons == ["it serves the hook `tax`, not `risk`"]), "{error}");
}

#[test]
fn damaged_components_never_panic_the_check() {
    let wasm = component("fixture_trap");
    for cut in (0..wasm.len()).step_by(7) {
        let _ = inspect(&wasm[..cut]);
    }
    let mut refused = 0;
    for at in (0..wasm.len()).step_by(3) {
        let mut damaged = wasm.clone();
        damaged[at] ^= 1 << (at % 8);
        refused += u32::from(inspect(&damaged).is_err());
    }
    assert!(refused > 0, "no flipped bit was noticed");
}

#[tokio::test]
async fn damaged_components_are_refused_or_run_but_never_crash_the_host() {
    let fixture = Fixture::new();
    let wasm = component("fixture_trap");
    let mut refused = 0;
    for at in (8..wasm.len()).step_by(wasm.len() / 40) {
        let mut damaged = wasm.clone();
        damaged[at] ^= 0x55;
        match fixture.host.load(None, &damaged, Hook::Risk).await {
            Ok(plugin) => drop(plugin.call(crate::harness::caller(), &crate::harness::risk_input("")).await),
            Err(Error::Refused(_) | Error::Invalid(_)) => refused += 1,
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(refused > 0, "no damage was noticed");
}
