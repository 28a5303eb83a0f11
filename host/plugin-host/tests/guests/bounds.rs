//! No guest can stop the host, or keep others from it. What is bounded for a single call is in `tests/hostile`.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::hooks::Hook;
use plugin_host::limits::{CONFIG_BYTES, Limits};
use plugin_host::{CallContext, Failure};

use crate::harness::{Fixture, caller, caller_of, huge_routing_input, routing_input, tax_input};

#[tokio::test]
async fn an_endless_loop_runs_out_of_time_where_instructions_are_plenty() {
    let limits = Limits { fuel: u64::MAX / 2, wall: Duration::from_millis(50), ..Limits::default() };
    let plugin = Fixture::with(limits).load("fixture_loop_forever", Hook::Routing).await;
    assert_eq!(plugin.call(caller(), &routing_input()).await.result, Err(Failure::TimedOut));
}

#[tokio::test]
async fn a_looping_guest_gives_others_their_turn_on_the_same_thread() {
    let limits = Limits { fuel: u64::MAX / 2, wall: Duration::from_millis(300), ..Limits::default() };
    let fixture = Fixture::with(limits);
    let looping = fixture.load("fixture_loop_forever", Hook::Routing).await;
    let quick = fixture.load("tax_table", Hook::Tax).await;
    // The test's runtime has one thread: unless the loop yields, the second call begins after the first has ended.
    let input = routing_input();
    let endless = looping.call(caller_of(1), &input);
    let meanwhile = async {
        tokio::task::yield_now().await;
        quick.call(caller_of(2), &tax_input()).await.result.unwrap();
    };
    tokio::select! {
        biased;
        call = endless => panic!("the loop ended first: {:?}", call.result),
        () = meanwhile => {}
    }
}

#[tokio::test]
async fn a_slow_merchant_has_only_its_share_of_the_time() {
    // Some hundred milliseconds of a loop.
    let loops = async |slow_millis_per_core: u32, seconds: u64| {
        let limits = Limits {
            fuel: 500_000_000,
            wall: Duration::from_secs(seconds),
            slow_millis_per_core: slow_millis_per_core.try_into().unwrap(),
            ..Limits::default()
        };
        let looping = Fixture::with(limits).load("fixture_loop_forever", Hook::Routing).await;
        looping.call(caller_of(1), &routing_input()).await.result
    };
    assert_eq!(loops(1, 1).await, Err(Failure::TimedOut));
    assert_eq!(loops(1000, 60).await, Err(Failure::OutOfFuel));
}

#[tokio::test]
async fn one_merchant_cannot_take_the_whole_pool() {
    let limits = Limits {
        fuel: u64::MAX / 2,
        wall: Duration::from_secs(600),
        tenant_calls: 2,
        queue_wait: Duration::from_millis(20),
        ..Limits::default()
    };
    let fixture = Fixture::with(limits);
    let looping = fixture.load("fixture_loop_forever", Hook::Routing).await;
    let tax = fixture.load("tax_table", Hook::Tax).await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let looping = looping.clone();
        running.spawn(async move { looping.call(caller_of(1), &routing_input()).await });
    }
    while tax.call(caller_of(1), &tax_input()).await.result != Err(Failure::Busy) {
        tokio::task::yield_now().await;
    }
    tax.call(caller_of(2), &tax_input()).await.result.unwrap();
    // A call that is given up in the middle gives its place back.
    running.shutdown().await;
    tax.call(caller_of(1), &tax_input()).await.result.unwrap();
}

#[tokio::test]
async fn who_has_burnt_the_instructions_of_a_second_slows_only_himself() {
    let limits = Limits {
        fuel_per_second_per_core: NonZeroU32::MIN.saturating_add(4_999_999),
        queue_wait: Duration::from_millis(100),
        ..Limits::default()
    };
    let fixture = Fixture::with(limits);
    let looping = fixture.load("fixture_loop_forever", Hook::Routing).await;
    let tax = fixture.load("tax_table", Hook::Tax).await;
    let order = caller_of(1);
    // Fifty million instructions are many seconds' worth, and are owed afterwards.
    assert_eq!(looping.call(order, &routing_input()).await.result, Err(Failure::OutOfFuel));
    assert_eq!(tax.call(order, &tax_input()).await.result, Err(Failure::Busy));
    // Not by others, nor by what the same merchant tries out.
    tax.call(caller_of(2), &tax_input()).await.result.unwrap();
    tax.call(CallContext::trial(order.tenant), &tax_input()).await.result.unwrap();
}

#[tokio::test]
async fn a_question_has_a_largest_size() {
    let limits = Limits { input_bytes: 10_000, ..Limits::default() };
    let plugin = Fixture::with(limits).load("routing_nearest", Hook::Routing).await;
    let call = plugin.call(caller(), &huge_routing_input(100, 2)).await;
    assert!(matches!(call.result, Err(Failure::InputTooLarge(bytes)) if bytes > 10_000), "{:?}", call.result);
    let mut input = routing_input();
    plugin.call(caller(), &input).await.result.unwrap();
    input.context.config = " ".repeat(CONFIG_BYTES + 1);
    assert_eq!(plugin.call(caller(), &input).await.result, Err(Failure::InputTooLarge(CONFIG_BYTES + 1)));
}
