//! The macros that make an author's functions a component's exports.
//!
//! Outside of WebAssembly they only check the functions' types: the exports' names are no symbols that a native linker
//! accepts, and nobody would call them.

#[doc(hidden)]
#[macro_export]
macro_rules! __export_policy {
    ($decide:path, [$($module:ident)::+], $interface:ident, $function:ident, $world:ident) => {
        const _: fn($crate::$($module)::+::Input) -> Result<$crate::$($module)::+::Answer, String> = $decide;

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Policy;
            impl $crate::bindings::$($module)::+::exports::orderwright::policy::$interface::Guest for Policy {
                fn $function(input: $crate::$($module)::+::Input) -> Result<$crate::$($module)::+::Answer, String> {
                    $crate::log::report_panics();
                    $decide(input)
                }
            }
            $crate::bindings::$($module)::+::$world!(Policy with_types_in $crate::bindings::$($module)::+);
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_adapter {
    ($describe:path, $step:path, [$($module:ident)::+], $description:path, $interface:ident, $world:ident) => {
        const _: fn() -> $description = $describe;
        const _: fn(
            $crate::Context,
            $crate::$($module)::+::Operation,
            Vec<$crate::exchange::Entry>,
        ) -> $crate::$($module)::+::Step = $step;

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Adapter;
            impl $crate::bindings::$($module)::+::exports::orderwright::policy::$interface::Guest for Adapter {
                fn describe() -> $description {
                    $crate::log::report_panics();
                    $describe()
                }
                fn next_step(
                    context: $crate::Context,
                    operation: $crate::$($module)::+::Operation,
                    transcript: Vec<$crate::exchange::Entry>,
                ) -> $crate::$($module)::+::Step {
                    $crate::log::report_panics();
                    $step(context, operation, transcript)
                }
            }
            $crate::bindings::$($module)::+::$world!(Adapter with_types_in $crate::bindings::$($module)::+);
        };
    };
}

/// Exports a function `fn(routing::Input) -> Result<routing::Answer, String>` as the component's routing policy.
#[macro_export]
macro_rules! export_routing {
    ($decide:path) => {
        $crate::__export_policy!($decide, [routing], route, plan_shipments, export_routing_world);
    };
}

/// Exports a function `fn(pricing::Input) -> Result<pricing::Answer, String>` as the component's pricing policy.
#[macro_export]
macro_rules! export_pricing {
    ($decide:path) => {
        $crate::__export_policy!($decide, [pricing], promotion, promote, export_pricing_world);
    };
}

/// Exports a function `fn(shipping::Input) -> Result<shipping::Answer, String>` as the component's shipping policy.
#[macro_export]
macro_rules! export_shipping {
    ($decide:path) => {
        $crate::__export_policy!($decide, [shipping], delivery, quote, export_shipping_world);
    };
}

/// Exports a function `fn(tax::Input) -> Result<tax::Answer, String>` as the component's tax policy.
#[macro_export]
macro_rules! export_tax {
    ($decide:path) => {
        $crate::__export_policy!($decide, [tax], taxation, assess, export_tax_world);
    };
}

/// Exports a function `fn(risk::Input) -> Result<risk::Answer, String>` as the component's risk policy.
#[macro_export]
macro_rules! export_risk {
    ($decide:path) => {
        $crate::__export_policy!($decide, [risk], screening, screen, export_risk_world);
    };
}

/// Exports a function `fn(notification::Input) -> Result<notification::Answer, String>` as the component's notification policy.
#[macro_export]
macro_rules! export_notification {
    ($decide:path) => {
        $crate::__export_policy!($decide, [notification], announcement, announce, export_notification_world);
    };
}

/// Exports a function `fn(v0_2::routing::Input) -> Result<v0_2::routing::Answer, String>` as the component's routing policy.
#[macro_export]
macro_rules! export_routing_v0_2 {
    ($decide:path) => {
        $crate::__export_policy!($decide, [v0_2::routing], route, plan_shipments, export_routing_v0_2_world);
    };
}

/// Exports two functions, `fn() -> exchange::Descriptor` and
/// `fn(Context, payment::Operation, Vec<exchange::Entry>) -> payment::Step`, as the component's payment adapter.
#[macro_export]
macro_rules! export_payment {
    ($describe:path, $step:path) => {
        $crate::__export_adapter!(
            $describe,
            $step,
            [payment],
            $crate::exchange::Descriptor,
            payment_adapter,
            export_payment_world
        );
    };
}

/// Exports two functions, `fn() -> v0_3::payment::Description` and
/// `fn(Context, v0_3::payment::Operation, Vec<exchange::Entry>) -> v0_3::payment::Step`, as the component's payment adapter.
#[macro_export]
macro_rules! export_payment_v0_3 {
    ($describe:path, $step:path) => {
        $crate::__export_adapter!(
            $describe,
            $step,
            [v0_3::payment],
            $crate::v0_3::payment::Description,
            payment_adapter,
            export_payment_v0_3_world
        );
    };
}

/// Exports two functions, `fn() -> exchange::Descriptor` and
/// `fn(Context, carrier::Operation, Vec<exchange::Entry>) -> carrier::Step`, as the component's carrier adapter.
#[macro_export]
macro_rules! export_carrier {
    ($describe:path, $step:path) => {
        $crate::__export_adapter!(
            $describe,
            $step,
            [carrier],
            $crate::exchange::Descriptor,
            carrier_adapter,
            export_carrier_world
        );
    };
}

/// Exports two functions, `fn() -> exchange::Descriptor` and
/// `fn(Context, channel::Operation, Vec<exchange::Entry>) -> channel::Step`, as the component's channel adapter.
#[macro_export]
macro_rules! export_channel {
    ($describe:path, $step:path) => {
        $crate::__export_adapter!(
            $describe,
            $step,
            [channel],
            $crate::exchange::Descriptor,
            channel_adapter,
            export_channel_world
        );
    };
}

/// Names the personal fields that the component asks for, such as `asks!("zip email_domain")`. The merchant decides which of
/// them it may have: what it may not have is none in its input, or is not filled into its requests.
#[macro_export]
macro_rules! asks {
    ($fields:literal) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            const NAMES: &[u8] = $fields.as_bytes();
            // The host reads this section before it compiles the component.
            #[used]
            #[unsafe(link_section = "orderwright:fields")]
            static FIELDS: [u8; NAMES.len()] = {
                let mut fields = [0; NAMES.len()];
                fields.copy_from_slice(NAMES);
                fields
            };
        };
    };
}
