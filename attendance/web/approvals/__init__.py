"""What students ask for and others decide: a desk for each kind of request, and what the desks share."""
