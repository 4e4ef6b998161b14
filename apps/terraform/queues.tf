# Events that failed on all attempts, and the queue of events with its own dead-letter queue.

resource "aws_sqs_queue" "dead_letter" {
  count = local.has_dead_letter_queue ? 1 : 0

  name                      = "${var.name}-DeadLetterQueue"
  message_retention_seconds = 1209600
  kms_master_key_id         = local.kms_key_arn
  sqs_managed_sse_enabled   = local.kms_key_arn == null ? true : null
  tags                      = var.tags
}

resource "aws_sqs_queue" "work_dead_letter" {
  count = local.has_queue ? 1 : 0

  name                      = "${var.name}-WorkDeadLetterQueue"
  message_retention_seconds = 1209600
  kms_master_key_id         = local.kms_key_arn
  sqs_managed_sse_enabled   = local.kms_key_arn == null ? true : null
  tags                      = var.tags
}

resource "aws_sqs_queue" "work" {
  count = local.has_queue ? 1 : 0

  name                       = "${var.name}-WorkQueue"
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 10800
  kms_master_key_id          = local.kms_key_arn
  sqs_managed_sse_enabled    = local.kms_key_arn == null ? true : null
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.work_dead_letter[0].arn, maxReceiveCount = 5 })
  tags                       = var.tags
}

locals {
  # Who may use each queue, beyond the policies of the roles.
  queue_statements = merge(
    { for queue in aws_sqs_queue.dead_letter : "dead_letter" => { queue = queue, statements = [{
      Effect    = "Allow"
      Action    = "sqs:SendMessage"
      Principal = { Service = "events.amazonaws.com" }
      Resource  = queue.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.push.arn } }
    }] } },
    { for queue in aws_sqs_queue.work_dead_letter : "work_dead_letter" => { queue = queue, statements = [] } },
    { for queue in aws_sqs_queue.work : "work" => { queue = queue, statements = [{
      Effect    = "Allow"
      Action    = local.receive_actions
      Principal = { AWS = aws_iam_role.this["generator"].arn }
      Resource  = queue.arn
    }] } },
  )
}

resource "aws_sqs_queue_policy" "this" {
  for_each = local.queue_statements

  queue_url = each.value.queue.url
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(
    [{
      Effect    = "Deny"
      Action    = "sqs:*"
      Principal = { AWS = "*" }
      Resource  = each.value.queue.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }],
    each.value.statements,
  ) })
}

resource "aws_lambda_event_source_mapping" "work" {
  count = local.has_queue ? 1 : 0

  event_source_arn = aws_sqs_queue.work[0].arn
  function_name    = aws_lambda_function.generator.function_name
  batch_size       = 1
  tags             = var.tags

  scaling_config {
    maximum_concurrency = var.queue_max_concurrency
  }
}
