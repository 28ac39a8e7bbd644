"""The pages of the service: what a person sees in a browser, without a build step."""
