//! The commonest mistakes do not compile, and what the compiler says names the next step.

#[test]
fn the_commonest_mistakes_do_not_compile_and_say_the_next_step() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
