//! What wit-bindgen makes of `wit/`. Authors use the re-exports of the crate's root and the macros instead.
#![expect(missing_docs, reason = "the types are documented in wit/, from which they are generated")]

/// Types and imports that several worlds have.
pub mod shared {
    wit_bindgen::generate!({
        inline: "
            package orderwright:sdk;
            world shared {
                import orderwright:policy/types@0.1.0;
                import orderwright:policy/log@0.1.0;
                import orderwright:policy/exchange@0.1.0;
            }
        ",
        path: "../../wit/0.1.0",
        world: "orderwright:sdk/shared",
        generate_all,
    });
}

/// The world of a hook.
macro_rules! world {
    ($(#[$doc:meta])* $module:ident, $world:literal, $export:literal $(, $shared:literal = $types:path)*) => {
        $(#[$doc])*
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit/0.1.0",
                world: $world,
                with: {
                    "orderwright:policy/types@0.1.0": crate::bindings::shared::orderwright::policy::types,
                    "orderwright:policy/log@0.1.0": crate::bindings::shared::orderwright::policy::log,
                    $($shared: $types,)*
                },
                pub_export_macro: true,
                export_macro_name: $export,
            });
        }
    };
}

/// The same for an adapter.
macro_rules! adapter_world {
    ($(#[$doc:meta])* $module:ident, $world:literal, $export:literal) => {
        world!(
            $(#[$doc])*
            $module, $world, $export,
            "orderwright:policy/exchange@0.1.0" = crate::bindings::shared::orderwright::policy::exchange
        );
    };
}

world!(
    /// The world `routing`.
    routing, "orderwright:policy/routing", "export_routing_world"
);
world!(
    /// The world `pricing`.
    pricing, "orderwright:policy/pricing", "export_pricing_world"
);
world!(
    /// The world `shipping`.
    shipping, "orderwright:policy/shipping", "export_shipping_world"
);
world!(
    /// The world `tax`.
    tax, "orderwright:policy/tax", "export_tax_world"
);
world!(
    /// The world `risk`.
    risk, "orderwright:policy/risk", "export_risk_world"
);
world!(
    /// The world `notification`.
    notification, "orderwright:policy/notification", "export_notification_world"
);
adapter_world!(
    /// The world `payment`.
    payment, "orderwright:policy/payment", "export_payment_world"
);
adapter_world!(
    /// The world `carrier`.
    carrier, "orderwright:policy/carrier", "export_carrier_world"
);
adapter_world!(
    /// The world `channel`.
    channel, "orderwright:policy/channel", "export_channel_world"
);

/// Revision 0.2 of the package, which holds the worlds that have changed. Its context and log are the same.
pub mod v0_2 {
    /// The world `routing`, by another name: wit-bindgen names a macro after it, and a crate cannot have two of a name.
    pub mod routing {
        wit_bindgen::generate!({
            inline: "
                package orderwright:sdk;
                world routing-v0-2 {
                    import orderwright:policy/log@0.2.0;
                    export orderwright:policy/route@0.2.0;
                }
            ",
            path: "../../wit/0.2.0",
            world: "orderwright:sdk/routing-v0-2",
            with: {
                "orderwright:policy/types@0.2.0": crate::bindings::shared::orderwright::policy::types,
                "orderwright:policy/log@0.2.0": crate::bindings::shared::orderwright::policy::log,
            },
            pub_export_macro: true,
            export_macro_name: "export_routing_v0_2_world",
        });
    }
}

/// Revision 0.3 of the package. Its context, log and exchange are the same.
pub mod v0_3 {
    /// The world `payment`, by another name: wit-bindgen names a macro after it, and a crate cannot have two of a name.
    pub mod payment {
        wit_bindgen::generate!({
            inline: "
                package orderwright:sdk;
                world payment-v0-3 {
                    import orderwright:policy/log@0.3.0;
                    export orderwright:policy/payment-adapter@0.3.0;
                }
            ",
            path: "../../wit/0.3.0",
            world: "orderwright:sdk/payment-v0-3",
            with: {
                "orderwright:policy/types@0.3.0": crate::bindings::shared::orderwright::policy::types,
                "orderwright:policy/log@0.3.0": crate::bindings::shared::orderwright::policy::log,
                "orderwright:policy/exchange@0.3.0": crate::bindings::shared::orderwright::policy::exchange,
            },
            pub_export_macro: true,
            export_macro_name: "export_payment_v0_3_world",
        });
    }
}
