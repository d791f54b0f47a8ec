"""Figures of what each strategy brings against doing without: one module a part of the study."""
