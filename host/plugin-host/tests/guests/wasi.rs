//! A guest that brings WASI along sees an empty world in which nothing moves.

use domain::hooks::Hook;
use plugin_host::{Failure, Level, inspect};

use crate::harness::{Fixture, caller, component, risk_input};

#[test]
fn the_fixture_does_import_wasi() {
    let imports = inspect(&component("fixture_wasi_user")).unwrap().imports;
    for wanted in ["wasi:cli/stdout@", "wasi:clocks/wall-clock@", "wasi:sockets/instance-network@"] {
        assert!(imports.iter().any(|i| i.starts_with(wanted)), "{imports:?}");
    }
}

#[tokio::test]
async fn the_world_is_empty_and_stands_still() {
    let plugin = Fixture::new().load("fixture_wasi_user", Hook::Risk).await;
    let input = risk_input("");
    let call = plugin.call(caller(), &input).await;
    let reasons = call.result.unwrap().reasons;
    let second = input.context.now.micros() / 1_000_000;
    let nanos = input.context.now.micros() % 1_000_000 * 1000;
    let expected = [
        "0 variables",
        "0 arguments",
        "directory None",
        "0 folders",
        "terminal false",
        &format!("second {second} and {nanos}"),
        "still true",
    ];
    assert_eq!(reasons[..7], expected);
    assert_eq!(reasons[8], "room true");
    let lines: Vec<_> = call.logs.iter().map(|l| (l.level, l.message.as_str())).collect();
    assert_eq!(lines, [(Level::Info, "to standard"), (Level::Info, "output")]);

    let again = plugin.call(caller(), &input).await;
    assert_eq!((again.result.unwrap().reasons, again.fuel), (reasons.clone(), call.fuel));
    let mut later = input;
    later.context.now = later.context.now.plus_millis(1);
    let later = plugin.call(caller(), &later).await.result.unwrap().reasons;
    assert_ne!(later[7], reasons[7], "another moment has other random numbers");
}

#[tokio::test]
async fn what_is_not_offered_ends_the_call_by_name() {
    let plugin = Fixture::new().load("fixture_wasi_user", Hook::Risk).await;
    for (config, said) in
        [("network", "wasi:sockets/instance-network"), ("exit", "ended itself"), ("random", "random bytes")]
    {
        let result = plugin.call(caller(), &risk_input(config)).await.result;
        assert!(matches!(&result, Err(Failure::Trap(why)) if why.contains(said)), "{config}: {result:?}");
    }
}
