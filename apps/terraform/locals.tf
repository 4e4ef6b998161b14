data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region

  # The permissions of docs/deployment.md match names that start with the name of the stack.
  functions = {
    filter    = "${var.name}-ECRImageActionEventFilteringLambda"
    generator = "${var.name}-SociIndexGeneratorLambda"
  }
  # Without a group of the module, the one that Lambda creates.
  log_groups   = { for key, name in local.functions : key => local.has_log_groups ? aws_cloudwatch_log_group.this[key].name : "/aws/lambda/${name}" }
  service_name = "${var.name}/SociIndexBuilder"
  bucket       = contains(["", local.region], var.qss3_bucket_region) ? var.qss3_bucket_name : "${var.qss3_bucket_name}-${local.region}"
  zip_prefix   = "${var.qss3_key_prefix}functions/packages"
  kms_key_arn  = var.kms_key_arn == "none" ? null : var.kms_key_arn

  has_alarms            = var.alarms || var.alarm_topic_arn != "none"
  has_dead_letter_queue = var.dead_letter_queue || local.has_alarms
  has_queue             = var.delivery == "queue"
  has_log_groups        = var.log_retention_days != 0

  # ARNs have no sets such as [abc]. A policy may be broader than the filters, never narrower.
  filters      = [for filter in var.soci_repository_image_tag_filters : trimspace(filter)]
  repositories = distinct([for filter in local.filters : replace(split(":", filter)[0], "/\\[[^\\]]+\\]/", "?") if !startswith(filter, "!")])

  # Environment variables of both functions.
  environment = merge(
    {
      POWERTOOLS_SERVICE_NAME = local.service_name
      soci_event_kinds        = join(",", concat(["push"], var.replicated_images ? ["replication"] : [], var.cached_images ? ["pull-through-cache"] : []))
      soci_output_tag         = var.soci_index_version == "V1" ? "none" : var.soci_output_tag
      soci_queue_url          = local.has_queue ? aws_sqs_queue.work[0].url : ""
    },
    length(var.member_accounts) == 0 ? {} : { soci_member_accounts = join(",", var.member_accounts) },
  )

  # A push of an image, or an image that a cache or a replication added.
  has_tag = var.untagged_images ? {} : { image-tag = [{ anything-but = "" }] }
  push = merge(local.has_tag, {
    result      = ["SUCCESS"]
    action-type = ["PUSH"]
    manifest-media-type = [
      "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
      "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json",
      "", { exists = false },
    ]
    artifact-media-type = [
      "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json",
      "", { exists = false },
    ]
  })
  event_pattern = {
    source      = ["aws.ecr"]
    detail-type = concat(["ECR Image Action"], var.replicated_images ? ["ECR Replication Action"] : [], var.cached_images ? ["ECR Pull Through Cache Action"] : [])
    # An index instead of a condition, because the two have different types.
    detail = [local.push, { "$or" = [local.push, merge(local.has_tag, { sync-status = ["SUCCESS"] })] }][var.cached_images ? 1 : 0]
  }

  # Permissions.
  ecr_actions = [
    "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:CompleteLayerUpload", "ecr:UploadLayerPart", "ecr:InitiateLayerUpload",
    "ecr:BatchCheckLayerAvailability", "ecr:PutImage", "ecr:ListImages", "ecr:DescribeImages",
  ]
  encrypt_actions = ["kms:Decrypt", "kms:GenerateDataKey"]
  receive_actions = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
  network_actions = [
    "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
  ]
  shared_statements = { for key, name in local.functions : key => concat(
    [{
      Effect   = "Allow"
      Action   = concat(local.has_log_groups ? [] : ["logs:CreateLogGroup"], ["logs:CreateLogStream", "logs:PutLogEvents"])
      Resource = local.has_log_groups ? "${aws_cloudwatch_log_group.this[key].arn}:*" : "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${name}:*"
    }],
    local.kms_key_arn == null ? [] : [{ Effect = "Allow", Action = "kms:Decrypt", Resource = local.kms_key_arn }],
    local.kms_key_arn == null || !local.has_dead_letter_queue ? [] : [{ Effect = "Allow", Action = local.encrypt_actions, Resource = local.kms_key_arn }],
    [for queue in aws_sqs_queue.dead_letter : { Effect = "Allow", Action = "sqs:SendMessage", Resource = queue.arn }],
  ) }
  filter_statements = concat(
    local.shared_statements.filter,
    local.has_queue ? [] : [{ Effect = "Allow", Action = "lambda:InvokeFunction", Resource = aws_lambda_function.generator.arn }],
    [for queue in aws_sqs_queue.work : { Effect = "Allow", Action = "sqs:SendMessage", Resource = queue.arn }],
    local.kms_key_arn == null || !local.has_queue ? [] : [{ Effect = "Allow", Action = local.encrypt_actions, Resource = local.kms_key_arn }],
  )
  generator_statements = concat(
    local.shared_statements.generator,
    [
      { Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
      {
        Effect   = "Allow"
        Action   = local.ecr_actions
        Resource = [for pair in setproduct(concat([local.account], var.member_accounts), local.repositories) : "arn:${local.partition}:ecr:${local.region}:${pair[0]}:repository/${pair[1]}"]
      },
    ],
    length(var.subnet_ids) == 0 ? [] : [{ Effect = "Allow", Action = local.network_actions, Resource = "*" }],
    [for queue in aws_sqs_queue.work : { Effect = "Allow", Action = local.receive_actions, Resource = queue.arn }],
  )
}
