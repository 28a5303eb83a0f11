//! The contract as TypeScript's types, in the shapes that componentize-qjs gives to WIT: records with names in camel
//! case, options that are null, whole numbers of 64 bits as numbers, and errors that are thrown.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::bail;
use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};
use wit_parser::{Docs, Function, Interface, InterfaceId, Resolve, Type, TypeDef, TypeDefKind, TypeOwner};

/// Describes every interface of a package as a module.
///
/// # Errors
/// Where the package cannot be read, or has a type that plugins have no use for.
pub fn of(wit: &Path) -> anyhow::Result<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let mut out = "// What `orderwright plugin new` made of the contract beside it. It is not to be changed by hand.\n"
        .to_owned();
    for (_, id) in &resolve.packages[package].interfaces {
        let module = Module { resolve: &resolve, id: *id };
        module.write(&mut out)?;
    }
    Ok(out)
}

struct Module<'r> {
    resolve: &'r Resolve,
    id: InterfaceId,
}

impl Module<'_> {
    fn write(&self, out: &mut String) -> anyhow::Result<()> {
        let interface: &Interface = &self.resolve.interfaces[self.id];
        writeln!(out)?;
        comment(out, "", &interface.docs);
        writeln!(out, "declare module \"{}\" {{", self.name(self.id))?;
        for id in interface.types.values() {
            self.declare(out, &self.resolve.types[*id])?;
        }
        for function in interface.functions.values() {
            self.function(out, function)?;
        }
        writeln!(out, "}}")?;
        Ok(())
    }

    fn name(&self, id: InterfaceId) -> String {
        self.resolve.id_of(id).unwrap_or_default()
    }

    fn declare(&self, out: &mut String, ty: &TypeDef) -> anyhow::Result<()> {
        comment(out, "  ", &ty.docs);
        let name = ty.name.as_deref().unwrap_or_default().to_upper_camel_case();
        match &ty.kind {
            TypeDefKind::Record(record) => {
                writeln!(out, "  export interface {name} {{")?;
                for field in &record.fields {
                    comment(out, "    ", &field.docs);
                    writeln!(out, "    {}: {};", field.name.to_lower_camel_case(), self.ty(&field.ty)?)?;
                }
                writeln!(out, "  }}")?;
            }
            TypeDefKind::Variant(variant) => {
                writeln!(out, "  export type {name} =")?;
                for case in &variant.cases {
                    comment(out, "    ", &case.docs);
                    let value = case.ty.as_ref().map(|ty| self.ty(ty)).transpose()?;
                    let value = value.map_or_else(String::new, |ty| format!("; val: {ty}"));
                    writeln!(out, "    | {{ tag: \"{}\"{value} }}", case.name)?;
                }
                writeln!(out, "  ;")?;
            }
            TypeDefKind::Enum(cases) => {
                writeln!(out, "  export type {name} =")?;
                for case in &cases.cases {
                    comment(out, "    ", &case.docs);
                    writeln!(out, "    | \"{}\"", case.name)?;
                }
                writeln!(out, "  ;")?;
            }
            TypeDefKind::Flags(flags) => {
                writeln!(out, "  export interface {name} {{")?;
                for flag in &flags.flags {
                    comment(out, "    ", &flag.docs);
                    writeln!(out, "    {}: boolean;", flag.name.to_lower_camel_case())?;
                }
                writeln!(out, "  }}")?;
            }
            kind => writeln!(out, "  export type {name} = {};", self.kind(kind)?)?,
        }
        Ok(())
    }

    fn function(&self, out: &mut String, function: &Function) -> anyhow::Result<()> {
        comment(out, "  ", &function.docs);
        let mut params = Vec::new();
        for param in &function.params {
            params.push(format!("{}: {}", param.name.to_lower_camel_case(), self.ty(&param.ty)?));
        }
        let result = match &function.result {
            None => "void".to_owned(),
            Some(ty) => match self.result(ty) {
                // The other side is thrown.
                Some(ok) => ok.as_ref().map_or_else(|| Ok("void".to_owned()), |ty| self.ty(ty))?,
                None => self.ty(ty)?,
            },
        };
        writeln!(out, "  export function {}({}): {result};", function.name.to_lower_camel_case(), params.join(", "))?;
        Ok(())
    }

    /// The good side of a result.
    fn result(&self, ty: &Type) -> Option<Option<Type>> {
        let Type::Id(id) = ty else { return None };
        let TypeDefKind::Result(result) = &self.resolve.types[*id].kind else { return None };
        Some(result.ok)
    }

    fn ty(&self, ty: &Type) -> anyhow::Result<String> {
        Ok(match ty {
            Type::Bool => "boolean".to_owned(),
            Type::Char | Type::String => "string".to_owned(),
            Type::ErrorContext => bail!("the contract has no error contexts"),
            Type::Id(id) => {
                let def = &self.resolve.types[*id];
                match (&def.name, def.owner) {
                    (Some(name), TypeOwner::Interface(owner)) if owner != self.id => {
                        format!("import(\"{}\").{}", self.name(owner), name.to_upper_camel_case())
                    }
                    (Some(name), _) => name.to_upper_camel_case(),
                    (None, _) => self.kind(&def.kind)?,
                }
            }
            _ => "number".to_owned(),
        })
    }

    fn kind(&self, kind: &TypeDefKind) -> anyhow::Result<String> {
        let side = |ty: &Option<Type>| ty.as_ref().map_or_else(|| Ok("undefined".to_owned()), |ty| self.ty(ty));
        Ok(match kind {
            TypeDefKind::Type(ty) => self.ty(ty)?,
            TypeDefKind::List(Type::U8) => "Uint8Array".to_owned(),
            TypeDefKind::List(ty) => {
                let of = self.ty(ty)?;
                if of.contains(' ') { format!("({of})[]") } else { format!("{of}[]") }
            }
            TypeDefKind::Option(ty) if self.is_option(ty) => {
                format!("{{ tag: \"some\"; val: {} }} | {{ tag: \"none\" }}", self.ty(ty)?)
            }
            TypeDefKind::Option(ty) => format!("{} | null", self.ty(ty)?),
            TypeDefKind::Result(result) => {
                format!(
                    "{{ tag: \"ok\"; val: {} }} | {{ tag: \"err\"; val: {} }}",
                    side(&result.ok)?,
                    side(&result.err)?
                )
            }
            TypeDefKind::Tuple(tuple) => {
                let types: anyhow::Result<Vec<_>> = tuple.types.iter().map(|ty| self.ty(ty)).collect();
                format!("[{}]", types?.join(", "))
            }
            other => bail!("the contract has no {}", other.as_str()),
        })
    }

    fn is_option(&self, ty: &Type) -> bool {
        matches!(ty, Type::Id(id) if matches!(self.resolve.types[*id].kind, TypeDefKind::Option(_)))
    }
}

fn comment(out: &mut String, indent: &str, docs: &Docs) {
    let Some(text) = docs.contents.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return };
    // Writing to a text cannot fail.
    let _ = match text.split_once('\n') {
        None => writeln!(out, "{indent}/** {text} */"),
        Some(_) => {
            let lines: String =
                text.lines().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n").collect();
            writeln!(out, "{indent}/**\n{lines}{indent} */")
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_the_contract_has_a_type() {
        let folder = tempfile::tempdir().unwrap();
        let wit = "package a:b@1.2.3;
            interface shared {
              /// In whole units.
              type amount = s64;
            }
            interface work {
              use shared.{amount};
              record line-item { /// One.
                unit-price: amount, raw-bytes: list<u8>, names: list<string>, both: tuple<u8, bool>, %list: option<list<amount>>,
                twice: option<option<u8>>, many: list<option<u8>>, answer: result<_, string> }
              variant step { wait-for(u32), done }
              enum level { low, very-high }
              flags marks { is-new, sold }
              decide: func(line-item: line-item) -> result<step, string>;
              look: func(level: level, marks: marks);
            }
            world all { export work; }";
        std::fs::write(folder.path().join("all.wit"), wit).unwrap();
        let types = of(folder.path()).unwrap();
        for part in [
            "declare module \"a:b/work@1.2.3\" {",
            "  /** In whole units. */\n  export type Amount = number;",
            "export type Amount = import(\"a:b/shared@1.2.3\").Amount;",
            "    /** One. */\n    unitPrice: Amount;\n    rawBytes: Uint8Array;\n    names: string[];\n    both: [number, boolean];",
            "    list: Amount[] | null;",
            "    twice: { tag: \"some\"; val: number | null } | { tag: \"none\" };\n    many: (number | null)[];",
            "    answer: { tag: \"ok\"; val: undefined } | { tag: \"err\"; val: string };",
            "export type Step =\n    | { tag: \"wait-for\"; val: number }\n    | { tag: \"done\" }\n  ;",
            "    | \"very-high\"",
            "    isNew: boolean;",
            "export function decide(lineItem: LineItem): Step;",
            "export function look(level: Level, marks: Marks): void;",
        ] {
            assert!(types.contains(part), "{part}\n{types}");
        }
        std::fs::write(folder.path().join("all.wit"), "package a:b; interface i { resource r; }").unwrap();
        assert!(of(folder.path()).unwrap_err().to_string().contains("no resource"));
    }
}
