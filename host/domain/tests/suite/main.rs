//! The rules of the domain, tested from outside: each module has one subject. `baskets` makes what is ordered,
//! `story` lives an order's life and checks after every command what must always hold.

mod baskets;
mod story;

mod commands;
mod credits;
mod discounts;
mod hook_laws;
mod ledger;
mod payment_laws;
mod placement;
mod policy_laws;
mod replay;
mod routing;
mod shipping;
mod states;
mod transitions;
