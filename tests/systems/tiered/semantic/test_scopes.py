"""A scope is of one session, of what the reply depends on, and of what was told so far."""

from systems.tiered.semantic.scopes import Scopes


def test_sessions_and_what_else_matters_make_scopes_apart():
    scopes = Scopes()
    assert scopes.scope("a", "model") == scopes.scope("a", "model")
    assert scopes.scope("a", "model") != scopes.scope("b", "model")
    assert scopes.scope("a", "model") != scopes.scope("a", "other model")
    assert scopes.scope("a", "bc", "d") != scopes.scope("a", "b", "cd")


def test_questions_leave_the_scope_and_whatever_tells_begins_another():
    scopes = Scopes()
    before = scopes.scope("a")
    scopes.said("a", "What is the capital of Chile?")
    assert scopes.scope("a") == before
    for told in ("I am allergic to nuts.", "Could you always answer in rhymes?", "以后请用法语回答好吗？"):
        scopes.said("a", told)
        assert scopes.scope("a") != before
        before = scopes.scope("a")


def test_a_session_that_left_the_count_never_comes_back_to_an_old_scope():
    scopes = Scopes(sessions=2)
    first = scopes.scope("a")
    for other in ("b", "c"):
        scopes.scope(other)
    assert scopes.scope("a") != first
