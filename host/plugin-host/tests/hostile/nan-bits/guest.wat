;; Gives the bits of NaN that it makes of NaN with other bits, as a reason in hexadecimal.
(module
  (memory (export "memory") 16)
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $new i32)
    (local.set $new (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $new) (local.get 3)))
    (local.get $new))
  (func $hex (param $bits i64) (param $to i32)
    (local $n i32)
    (loop $digit
      (i32.store8
        (i32.add (local.get $to) (local.get $n))
        (i32.load8_u offset=256 (i32.wrap_i64 (i64.and
          (i64.shr_u (local.get $bits) (i64.extend_i32_u (i32.sub (i32.const 60) (i32.mul (local.get $n) (i32.const 4)))))
          (i64.const 15)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $digit (i32.lt_u (local.get $n) (i32.const 16)))))
  (data (i32.const 256) "0123456789abcdef")
  ;; Four reasons at 64, of 16 digits each from 512 on.
  (data (i32.const 24) "\40\00\00\00\04\00\00\00")
  (data (i32.const 64) "\00\02\00\00\10\00\00\00\10\02\00\00\10\00\00\00\20\02\00\00\10\00\00\00\30\02\00\00\10\00\00\00")
  (func (export "orderwright:policy/screening@0.1.0#screen") (param i32) (result i32)
    (local $odd f64)
    (local.set $odd (f64.reinterpret_i64 (i64.const 0xfff8dead0000beef)))
    (call $hex (i64.reinterpret_f64 (f64.div (f64.const 0) (f64.const 0))) (i32.const 512))
    (call $hex (i64.reinterpret_f64 (f64.add (local.get $odd) (f64.const 1))) (i32.const 528))
    (call $hex (i64.reinterpret_f64 (f64.sqrt (f64.const -1))) (i32.const 544))
    (call $hex (i64.extend_i32_u (i32.reinterpret_f32 (f32.demote_f64 (local.get $odd)))) (i32.const 560))
    (i32.const 16)))
