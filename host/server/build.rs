//! `orderwright plugin new` carries the templates, the SDK and the contract: a file that is added there must get in.

fn main() {
    for folder in ["../../plugins/templates", "../../plugins/sdk", "../../wit"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
