//! The world `notification`.

use domain::hooks::notification as hook;

use super::RECORD_BYTES;
use crate::limiter::State;
use crate::wit::speak::{Unreadable, policy};

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/notification",
        with: {
            "orderwright:policy/types@0.1.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.1.0": crate::wit::v0_1::log,
        },
        exports: { default: async },
    });
}

pub use world::NotificationPre;
use world::exports::orderwright::policy::announcement as wit;

policy!(NotificationPre<State>, orderwright_policy_announcement, call_announce);

fn weight(input: &hook::Input) -> usize {
    let title = |title: &Option<String>| title.as_ref().map_or(0, String::len);
    let lines = input.order.lines.iter().map(|l| RECORD_BYTES + l.sku.as_str().len() + title(&l.title));
    let shipments = input.order.shipments.len() * 2 * RECORD_BYTES;
    input.context.config.len() + 6 * RECORD_BYTES + lines.sum::<usize>() + shipments
}

/// To the guest.
fn input(input: &hook::Input) -> wit::Input {
    let event = &input.event;
    wit::Input {
        context: super::context(&input.context),
        event: wit::Event {
            name: event.name.clone(),
            at: event.at.micros(),
            version: event.version,
            reason: event.reason.clone(),
        },
        order: order(&input.order),
    }
}

fn order(order: &hook::Order) -> wit::Order {
    let line = |line: &hook::Line| wit::Line {
        line_id: line.line_id,
        sku: line.sku.as_str().into(),
        title: line.title.clone(),
        quantity: line.quantity,
    };
    let shipment = |shipment: &hook::Shipment| wit::Shipment {
        shipment_id: shipment.shipment_id.to_string(),
        status: shipment.status.clone(),
        tracking_number: shipment.tracking_number.clone(),
    };
    wit::Order {
        order_id: order.order_id.to_string(),
        external_id: order.external_id.as_ref().map(|id| id.as_str().into()),
        status: order.status.clone(),
        currency: order.currency.code().into(),
        total: order.total,
        country: order.country.clone(),
        estimated_delivery: order.estimated_delivery.map(|d| d.to_string()),
        lines: order.lines.iter().map(line).collect(),
        shipments: order.shipments.iter().map(shipment).collect(),
    }
}

/// From the guest.
fn answer(answer: wit::Answer) -> Result<hook::Answer, Unreadable> {
    Ok(hook::Answer { messages: answer.messages.into_iter().map(message).collect() })
}

fn message(message: wit::Message) -> hook::Message {
    hook::Message {
        channel: message.channel,
        to: match message.to {
            wit::Recipient::Customer => hook::Recipient::Customer,
            wit::Recipient::Address(address) => hook::Recipient::Address(address),
        },
        subject: message.subject,
        text: message.text,
        html: message.html,
    }
}
