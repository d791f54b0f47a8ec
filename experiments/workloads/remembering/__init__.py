"""Long conversations whose questions have one right answer: facts planted, changed and denied, small talk between."""
