//! What wit-bindgen makes of `wit/`. Authors use the re-exports of the crate's root and the macros instead.
#![expect(missing_docs, reason = "the types are documented in wit/, from which they are generated")]

/// Types and imports that every world has.
pub mod shared {
    wit_bindgen::generate!({
        inline: "
            package orderwright:sdk;
            world shared {
                import orderwright:policy/types@0.1.0;
                import orderwright:policy/log@0.1.0;
            }
        ",
        path: "../../wit/0.1.0",
        world: "orderwright:sdk/shared",
        generate_all,
    });
}

/// The world `routing`.
pub mod routing {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/routing",
        with: {
            "orderwright:policy/types@0.1.0": crate::bindings::shared::orderwright::policy::types,
            "orderwright:policy/log@0.1.0": crate::bindings::shared::orderwright::policy::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_routing_world",
    });
}

/// The world `tax`.
pub mod tax {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/tax",
        with: {
            "orderwright:policy/types@0.1.0": crate::bindings::shared::orderwright::policy::types,
            "orderwright:policy/log@0.1.0": crate::bindings::shared::orderwright::policy::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_tax_world",
    });
}

/// The world `risk`.
pub mod risk {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/risk",
        with: {
            "orderwright:policy/types@0.1.0": crate::bindings::shared::orderwright::policy::types,
            "orderwright:policy/log@0.1.0": crate::bindings::shared::orderwright::policy::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_risk_world",
    });
}

/// The world `payment`.
pub mod payment {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/payment",
        with: {
            "orderwright:policy/types@0.1.0": crate::bindings::shared::orderwright::policy::types,
            "orderwright:policy/log@0.1.0": crate::bindings::shared::orderwright::policy::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_payment_world",
    });
}
