"""How one number comes to be: plan, trial, record, inside the limits and seen from outside."""
