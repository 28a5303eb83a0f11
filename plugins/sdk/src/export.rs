//! The macros that make an author's functions a component's exports.
//!
//! Outside of WebAssembly they only check the functions' types: the exports' names are no symbols that a native linker
//! accepts, and nobody would call them.

/// Exports a function `fn(routing::Input) -> Result<routing::Answer, String>` as the component's routing policy.
#[macro_export]
macro_rules! export_routing {
    ($decide:path) => {
        const _: fn($crate::routing::Input) -> Result<$crate::routing::Answer, String> = $decide;

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Policy;
            impl $crate::bindings::routing::exports::orderwright::policy::route::Guest for Policy {
                fn plan_shipments(input: $crate::routing::Input) -> Result<$crate::routing::Answer, String> {
                    $crate::log::report_panics();
                    $decide(input)
                }
            }
    $crate::bindings::routing::export_routing_world!(Policy with_types_in $crate::bindings::routing);
        };
    };
}

/// Exports a function `fn(tax::Input) -> Result<tax::Answer, String>` as the component's tax policy.
#[macro_export]
macro_rules! export_tax {
    ($decide:path) => {
        const _: fn($crate::tax::Input) -> Result<$crate::tax::Answer, String> = $decide;

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Policy;
            impl $crate::bindings::tax::exports::orderwright::policy::taxation::Guest for Policy {
                fn assess(input: $crate::tax::Input) -> Result<$crate::tax::Answer, String> {
                    $crate::log::report_panics();
                    $decide(input)
                }
            }
    $crate::bindings::tax::export_tax_world!(Policy with_types_in $crate::bindings::tax);
        };
    };
}

/// Exports a function `fn(risk::Input) -> Result<risk::Answer, String>` as the component's risk policy.
#[macro_export]
macro_rules! export_risk {
    ($decide:path) => {
        const _: fn($crate::risk::Input) -> Result<$crate::risk::Answer, String> = $decide;

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Policy;
            impl $crate::bindings::risk::exports::orderwright::policy::screening::Guest for Policy {
                fn screen(input: $crate::risk::Input) -> Result<$crate::risk::Answer, String> {
                    $crate::log::report_panics();
                    $decide(input)
                }
            }
    $crate::bindings::risk::export_risk_world!(Policy with_types_in $crate::bindings::risk);
        };
    };
}

/// Exports two functions, `fn() -> payment::Descriptor` and
/// `fn(Context, payment::Operation, Vec<payment::Entry>) -> payment::Step`, as the component's payment adapter.
#[macro_export]
macro_rules! export_payment {
    ($describe:path, $step:path) => {
        const _: fn() -> $crate::payment::Descriptor = $describe;
        const _: fn($crate::Context, $crate::payment::Operation, Vec<$crate::payment::Entry>) -> $crate::payment::Step =
            $step;

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Adapter;
            impl $crate::bindings::payment::exports::orderwright::policy::payment_adapter::Guest for Adapter {
                fn describe() -> $crate::payment::Descriptor {
                    $crate::log::report_panics();
                    $describe()
                }
                fn next_step(
                    context: $crate::Context,
                    operation: $crate::payment::Operation,
                    transcript: Vec<$crate::payment::Entry>,
                ) -> $crate::payment::Step {
                    $crate::log::report_panics();
                    $step(context, operation, transcript)
                }
            }
    $crate::bindings::payment::export_payment_world!(Adapter with_types_in $crate::bindings::payment);
        };
    };
}
