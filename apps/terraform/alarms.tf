locals {
  dead_letter_alarm = { metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", threshold = 1 }
  alarms = merge(
    { for enabled in [local.has_alarms] : "FailedAlarm" => {
      description = "Images pushed to Amazon ECR could not be indexed. The log of the generator has the reasons."
      namespace   = "SociIndexBuilder", metric = "Failed", statistic = "Sum", threshold = 1
      dimensions  = { service = local.service_name }
    } if enabled },
    { for queue in aws_sqs_queue.dead_letter : "DeadLetterAlarm" => merge(local.dead_letter_alarm, {
      description = "Events of Amazon ECR failed on all attempts and are in the dead-letter queue."
      namespace   = "AWS/SQS", dimensions = { QueueName = queue.name }
    }) if local.has_alarms },
    { for queue in aws_sqs_queue.work : "QueueAgeAlarm" => {
      description = "Events of Amazon ECR wait longer than 1 hour in the queue of the SOCI index builder."
      namespace   = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum", threshold = 3600
      dimensions  = { QueueName = queue.name }
    } },
    { for queue in aws_sqs_queue.work_dead_letter : "QueueDeadLetterAlarm" => merge(local.dead_letter_alarm, {
      description = "Events of Amazon ECR failed on all attempts and are in the dead-letter queue of the queue."
      namespace   = "AWS/SQS", dimensions = { QueueName = queue.name }
    }) },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  alarm_actions       = var.alarm_topic_arn == "none" ? null : [var.alarm_topic_arn]
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 1
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  tags                = var.tags
}
