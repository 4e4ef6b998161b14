terraform {
  # Conditions of variables refer to other variables.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The first version that accepts the runtime nodejs24.x in tests of its users.
      version = ">= 6.20"
    }
  }
}
