;; Gives a reason that is not UTF-8.
(module
  (memory (export "memory") 16)
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $new i32)
    (local.set $new (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $new) (local.get 3)))
    (local.get $new))
  ;; One reason, at 64: two bytes, at 96.
  (data (i32.const 24) "\40\00\00\00\01\00\00\00")
  (data (i32.const 64) "\60\00\00\00\02\00\00\00")
  (data (i32.const 96) "\ff\fe")
  (func (export "orderwright:policy/screening@0.1.0#screen") (param i32) (result i32) (i32.const 16)))
