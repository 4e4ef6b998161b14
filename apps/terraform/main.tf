# The workflow of the CloudFormation template: a rule, a function that filters, a function that builds indexes, and queues.

resource "aws_cloudwatch_event_rule" "push" {
  name          = var.resource_names == "fixed" ? "ECRImageActionEventBridgeRule" : "${var.name}-ECRImageActionEventBridgeRule"
  description   = "Starts the SOCI index builder for images that are pushed to Amazon ECR."
  event_pattern = jsonencode(local.event_pattern)
  tags          = var.tags

  # The first event finds functions with all permissions.
  depends_on = [aws_iam_role_policy.filter, aws_iam_role_policy.generator]
}

resource "aws_cloudwatch_event_target" "filter" {
  rule = aws_cloudwatch_event_rule.push.name
  arn  = aws_lambda_function.filter.arn

  dynamic "dead_letter_config" {
    for_each = aws_sqs_queue.dead_letter
    content {
      arn = dead_letter_config.value.arn
    }
  }
}

resource "aws_lambda_permission" "rule" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.filter.arn
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.push.arn
}

resource "aws_lambda_function" "filter" {
  function_name = local.functions.filter
  description   = "Compares images that are pushed to Amazon ECR with filters, and invokes the SOCI index generator for those that match."
  role          = aws_iam_role.this["filter"].arn
  runtime       = "nodejs24.x"
  handler       = "index.handler"
  architectures = [var.architecture]
  memory_size   = 256
  timeout       = 30
  s3_bucket     = local.bucket
  s3_key        = "${local.zip_prefix}/ecr-image-action-event-filtering/lambda.zip"
  kms_key_arn   = local.kms_key_arn
  tags          = var.tags

  environment {
    variables = merge(local.environment, {
      soci_repository_image_tag_filters = join(",", local.filters)
      soci_index_generator_lambda_arn   = aws_lambda_function.generator.arn
      soci_index_untagged               = tostring(var.untagged_images)
    })
  }

  # Lambda checks the permissions for the dead-letter queue when it creates a function.
  depends_on = [aws_iam_role_policy.filter]

  dynamic "dead_letter_config" {
    for_each = aws_sqs_queue.dead_letter
    content {
      target_arn = dead_letter_config.value.arn
    }
  }

  logging_config {
    log_format = "Text"
    log_group  = local.log_groups.filter
  }
}

resource "aws_lambda_function" "generator" {
  function_name = local.functions.generator
  description   = "Builds a SOCI index for an image in Amazon ECR and pushes it to the repository of the image."
  role          = aws_iam_role.this["generator"].arn
  runtime       = "nodejs24.x"
  handler       = "index.handler"
  architectures = [var.architecture]
  memory_size   = var.memory_size
  timeout       = var.timeout
  s3_bucket     = local.bucket
  s3_key        = "${local.zip_prefix}/soci-index-generator-lambda/soci_index_generator_lambda.zip"
  kms_key_arn   = local.kms_key_arn
  tags          = var.tags

  # -1 reserves nothing.
  reserved_concurrent_executions = var.reserved_concurrency == "none" ? -1 : tonumber(var.reserved_concurrency)

  environment {
    variables = merge(
      local.environment,
      {
        soci_index_version      = var.soci_index_version
        soci_recompress         = var.soci_recompress
        soci_span_size          = var.soci_span_size
        soci_use_stored_profile = tostring(var.soci_use_stored_profile)
      },
      var.soci_min_layer_size == 10485760 ? {} : { soci_min_layer_size = tostring(var.soci_min_layer_size) },
    )
  }

  dynamic "dead_letter_config" {
    for_each = aws_sqs_queue.dead_letter
    content {
      target_arn = dead_letter_config.value.arn
    }
  }

  logging_config {
    log_format = "Text"
    log_group  = local.log_groups.generator
  }

  # The provider ignores empty lists.
  vpc_config {
    subnet_ids         = var.subnet_ids
    security_group_ids = var.security_group_ids
  }

  # Lambda checks the permissions for the dead-letter queue and the VPC when it creates a function.
  depends_on = [aws_iam_role_policy.generator]
}

resource "aws_iam_role" "this" {
  for_each = local.functions

  name                 = "${each.value}Role"
  permissions_boundary = var.iam_permissions_boundary_arn == "none" ? null : var.iam_permissions_boundary_arn
  tags                 = var.tags
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "filter" {
  name   = "filter"
  role   = aws_iam_role.this["filter"].name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.filter_statements })
}

resource "aws_iam_role_policy" "generator" {
  name   = "generator"
  role   = aws_iam_role.this["generator"].name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.generator_statements })
}

# Like in a stack, the groups have generated names: Lambda may have created a group with the name of a function.
resource "aws_cloudwatch_log_group" "this" {
  for_each = { for key, name in local.functions : key => name if local.has_log_groups }

  name_prefix       = "${each.value}LogGroup-"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}
