# Generated from the parameters of the CloudFormation template. In apps/stack, "npx vitest run --update" writes it.

variable "name" {
  description = "Start of the names of all resources, like the name of a stack."
  type        = string
  default     = "soci"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,24}$", var.name))
    error_message = "name must start with a letter and have at most 25 letters, digits and hyphens: Lambda and IAM limit names to 64 characters."
  }
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "soci_repository_image_tag_filters" {
  description = "SOCI repository image tag filters (repository:tag). Wildcards: * matches any characters, ? one character, [abc] one character of a set. A leading ! excludes the images that a filter matches. \"prod*:latest\" matches all images tagged latest in repositories that start with prod, \"*:*\" matches all images of the registry. Only images that are pushed after the module is applied are indexed."
  type        = list(string)
  default     = ["*:*"]
  nullable    = false

  validation {
    condition     = length(var.soci_repository_image_tag_filters) > 0
    error_message = "soci_repository_image_tag_filters must not be empty: use [\"*:*\"]."
  }

  validation {
    condition     = alltrue([for item in var.soci_repository_image_tag_filters : can(regex("^ *!?[a-z0-9*?\\[\\]!._/-]+:[A-Za-z0-9*?\\[\\]!._-]+ *$", item))])
    error_message = "Each filter must have the form repository:tag, such as prod*:latest. Repository names consist of lower-case letters, digits and . _ - / Not allowed: ${join(", ", [for item in var.soci_repository_image_tag_filters : jsonencode(item) if !can(regex("^ *!?[a-z0-9*?\\[\\]!._/-]+:[A-Za-z0-9*?\\[\\]!._-]+ *$", item))])}"
  }

  validation {
    condition     = length(var.soci_repository_image_tag_filters) == 0 || !alltrue([for item in var.soci_repository_image_tag_filters : startswith(trimspace(item), "!")])
    error_message = "There are only exclusions: set a filter that includes images, such as *:*."
  }
}

variable "soci_index_version" {
  description = "V2 creates a SOCI-enabled image in addition to each image. Deploy the SOCI-enabled image. V1 creates an index that refers to the image."
  type        = string
  default     = "V2"
  nullable    = false

  validation {
    condition     = contains(["V1", "V2"], var.soci_index_version)
    error_message = "soci_index_version must be V1 or V2."
  }
}

variable "soci_output_tag" {
  description = "Tag of the SOCI-enabled image: text with {tag} (tag of the image) or {digest12} (first 12 digits of its digest), or none. Ignored for V1."
  type        = string
  default     = "{tag}-soci"
  nullable    = false

  validation {
    condition     = can(regex("^(none|([A-Za-z0-9_][A-Za-z0-9_.-]*)?[{]digest12[}]([A-Za-z0-9_.-]|[{]tag[}]|[{]digest12[}])*|[A-Za-z0-9_][A-Za-z0-9_.-]*[{]tag[}]([A-Za-z0-9_.-]|[{]tag[}]|[{]digest12[}])*|[{]tag[}]([A-Za-z0-9_.-]|[{]tag[}]|[{]digest12[}])+)$", var.soci_output_tag)) && length(var.soci_output_tag) <= 108
    error_message = "soci_output_tag must be none, or contain {tag} or {digest12} and otherwise letters, digits, _ . and -, not starting with . or -. \"{tag}\" alone would overwrite the tag of the image. It has at most 108 characters."
  }
}

variable "soci_recompress" {
  description = "Layers of the SOCI-enabled image to recompress with gzip, so that they are indexed: zstd, also uncompressed layers (zstd,tar), or none. Only for V2."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = contains(["none", "zstd", "zstd,tar"], var.soci_recompress)
    error_message = "soci_recompress must be none, zstd or zstd,tar."
  }

  validation {
    condition     = var.soci_recompress == "none" || var.soci_index_version == "V2"
    error_message = "V1 does not change layers: set soci_index_version to V2, or soci_recompress to none."
  }
}

variable "soci_span_size" {
  description = "Uncompressed bytes of a span, the unit that a runtime fetches. auto: small where the start of a container reads, large elsewhere, following the stored profile or, without one, a prediction. auto was not tested on AWS Fargate."
  type        = string
  default     = "4194304"
  nullable    = false

  validation {
    condition     = can(regex("^(auto|[1-9][0-9]{0,11})$", var.soci_span_size))
    error_message = "soci_span_size must be auto, or a number of bytes."
  }
}

variable "soci_use_stored_profile" {
  description = "Spans follow the profile that \"soci-index profile push\" stored in the repository; without one, they have the default size. Everyone who may push to the repository may change its profile. Not tested on AWS Fargate."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.soci_use_stored_profile || contains(["4194304", "auto"], var.soci_span_size)
    error_message = "A stored profile sets the size of spans: set soci_span_size to 4194304 or auto, or soci_use_stored_profile to false."
  }
}

variable "soci_min_layer_size" {
  description = "Minimum compressed size of a layer to index, in bytes."
  type        = number
  default     = 10485760
  nullable    = false

  validation {
    condition     = floor(var.soci_min_layer_size) == var.soci_min_layer_size && var.soci_min_layer_size >= 0 && var.soci_min_layer_size <= 1099511627776
    error_message = "soci_min_layer_size must be a whole number of bytes. It is at most 1099511627776."
  }
}

variable "untagged_images" {
  description = "Also index images that are pushed without a tag. Needs V1, or a soci_output_tag without {tag}."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.untagged_images || var.soci_index_version == "V1" || !strcontains(var.soci_output_tag, "{tag}")
    error_message = "Untagged images have no {tag}: set soci_output_tag to a text with {digest12}, or to none."
  }
}

variable "replicated_images" {
  description = "Also index images that are replicated from another Region or account. Keep false if their indexes are replicated with them."
  type        = bool
  default     = false
  nullable    = false
}

variable "cached_images" {
  description = "Also index images that are pulled through a cache."
  type        = bool
  default     = false
  nullable    = false
}

variable "member_accounts" {
  description = "Ids of further accounts whose images are indexed. They forward their events to the default event bus of this account, and their repositories need the policy in the output member_repository_policy."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for item in var.member_accounts : can(regex("^[0-9]{12}$", item))])
    error_message = "member_accounts must be account ids of 12 digits. Not allowed: ${join(", ", [for item in var.member_accounts : jsonencode(item) if !can(regex("^[0-9]{12}$", item))])}"
  }
}

variable "qss3_bucket_name" {
  description = "Name of the S3 bucket that contains the zips of the functions, in the Region of the provider or with a copy there."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-z]+([0-9a-z-.]*[0-9a-z])*$", var.qss3_bucket_name)) && length(var.qss3_bucket_name) >= 3 && length(var.qss3_bucket_name) <= 63
    error_message = "qss3_bucket_name must consist of lower-case letters, numbers, hyphens and dots, and start and end with a letter or number. It has 3 to 63 characters."
  }
}

variable "qss3_bucket_region" {
  description = "Region of the bucket. Leave it empty if it is the Region of the provider. Lambda reads code only from its own Region. If the bucket is in another Region, the module uses the copy in the bucket NAME-REGION of the Region of the provider."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z]+(-[a-z]+)+-[0-9]{1,2})?$", var.qss3_bucket_region))
    error_message = "qss3_bucket_region must be a Region such as eu-west-1, or empty."
  }
}

variable "qss3_key_prefix" {
  description = "Key prefix of the zips in the bucket."
  type        = string
  default     = "cfn-ecr-aws-soci-index-builder/"
  nullable    = false

  validation {
    condition     = can(regex("^([.]*[0-9a-zA-Z!_*'()-][0-9a-zA-Z!_.*'()-]*/)*$", var.qss3_key_prefix))
    error_message = "qss3_key_prefix must be empty, or consist of folders that end with a slash. The folders . and .. are not allowed."
  }
}

variable "resource_names" {
  description = "generated: the name of the rule starts with var.name. fixed: the rule is named ECRImageActionEventBridgeRule, as in AWS's SOCI Index Builder. Only one module with fixed names can exist in a Region."
  type        = string
  default     = "generated"
  nullable    = false

  validation {
    condition     = contains(["generated", "fixed"], var.resource_names)
    error_message = "resource_names must be generated or fixed."
  }
}

variable "memory_size" {
  description = "Memory of the generator in MB. Lambda allocates one vCPU for each 1,769 MB. The generator builds one layer for each vCPU at the same time."
  type        = number
  default     = 1769
  nullable    = false

  validation {
    condition     = floor(var.memory_size) == var.memory_size && var.memory_size >= 256 && var.memory_size <= 10240
    error_message = "memory_size must be a whole number from 256 to 10240 MB."
  }
}

variable "timeout" {
  description = "Timeout of the generator in seconds. Lambda allows up to 1,800 seconds since November 2026. A Region that does not support this yet rejects more than 900."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = floor(var.timeout) == var.timeout && var.timeout >= 30 && var.timeout <= 1800
    error_message = "timeout must be a whole number from 30 to 1800 seconds."
  }
}

variable "architecture" {
  description = "Instruction set of the functions. arm64 has a lower price for each second (Graviton). Not tested on AWS."
  type        = string
  default     = "x86_64"
  nullable    = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "reserved_concurrency" {
  description = "Maximum number of images that are indexed at the same time, reserved from the account's concurrency, or none."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = can(regex("^(none|[1-9][0-9]{0,2}|1000)$", var.reserved_concurrency))
    error_message = "reserved_concurrency must be none, or from 1 to 1000."
  }
}

variable "log_retention_days" {
  description = "Days to keep logs. The log groups then belong to the module and are deleted with it. 0: Lambda creates log groups without expiry, which remain when the module is destroyed."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "dead_letter_queue" {
  description = "Keep events that failed on all attempts in an Amazon SQS queue, for 14 days."
  type        = bool
  default     = false
  nullable    = false
}

variable "alarms" {
  description = "Create alarms for images that could not be indexed, and for events in the dead-letter queue, which is created too."
  type        = bool
  default     = false
  nullable    = false
}

variable "alarm_topic_arn" {
  description = "ARN of an Amazon SNS topic that the alarms notify, or none. With a topic, the alarms are created."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+)$", var.alarm_topic_arn))
    error_message = "alarm_topic_arn must be the ARN of an Amazon SNS topic, or none."
  }
}

variable "delivery" {
  description = "async: Lambda keeps events for 6 hours. queue: an Amazon SQS queue keeps events for 14 days, for hundreds of pushes within minutes. The queue must be empty before you change this back or destroy the module: its events are deleted with it."
  type        = string
  default     = "async"
  nullable    = false

  validation {
    condition     = contains(["async", "queue"], var.delivery)
    error_message = "delivery must be async or queue."
  }
}

variable "queue_max_concurrency" {
  description = "Maximum number of images from the queue that are indexed at the same time, at most reserved_concurrency."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = floor(var.queue_max_concurrency) == var.queue_max_concurrency && var.queue_max_concurrency >= 2 && var.queue_max_concurrency <= 1000
    error_message = "queue_max_concurrency must be a whole number from 2 to 1000."
  }

  validation {
    condition     = var.delivery != "queue" || try(var.queue_max_concurrency <= tonumber(var.reserved_concurrency), true)
    error_message = "Lambda would throttle events until they are in the dead-letter queue: set queue_max_concurrency to at most reserved_concurrency."
  }
}

variable "iam_permissions_boundary_arn" {
  description = "ARN of the permissions boundary for every role, or none."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\\w+=,.@/-]+)$", var.iam_permissions_boundary_arn))
    error_message = "iam_permissions_boundary_arn must be the ARN of an IAM policy, or none."
  }
}

variable "subnet_ids" {
  description = "Ids of the subnets of a VPC in which the generator runs. Without internet access, they need interface endpoints for ecr.api and ecr.dkr, and a gateway endpoint for Amazon S3. Empty: no VPC."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for item in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", item))])
    error_message = "subnet_ids must be a list of subnet ids, such as subnet-0a1b2c3d. Not allowed: ${join(", ", [for item in var.subnet_ids : jsonencode(item) if !can(regex("^subnet-[0-9a-f]+$", item))])}"
  }

  validation {
    condition     = (length(var.subnet_ids) == 0) == (length(var.security_group_ids) == 0)
    error_message = "A VPC needs both: set subnet_ids and security_group_ids, or neither."
  }
}

variable "security_group_ids" {
  description = "Ids of the security groups of the generator in the VPC."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for item in var.security_group_ids : can(regex("^sg-[0-9a-f]+$", item))])
    error_message = "security_group_ids must be a list of security group ids, such as sg-0a1b2c3d. Not allowed: ${join(", ", [for item in var.security_group_ids : jsonencode(item) if !can(regex("^sg-[0-9a-f]+$", item))])}"
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key for the environment variables of the functions and for the dead-letter queue, or none: keys that AWS manages. With a dead-letter queue, the key policy must allow events.amazonaws.com to use kms:Decrypt and kms:GenerateDataKey."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key, or none."
  }
}
