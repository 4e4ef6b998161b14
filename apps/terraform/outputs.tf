output "event_bridge_rule" {
  description = "Rule that matches pushes of images."
  value       = aws_cloudwatch_event_rule.push.name
}

output "filtering_function" {
  description = "Function that compares images with the filters."
  value       = aws_lambda_function.filter.function_name
}

output "generator_function" {
  description = "Function that builds and pushes SOCI indexes."
  value       = aws_lambda_function.generator.function_name
}

output "generator_log_group" {
  description = "Log group with the outcome of each image."
  value       = local.log_groups.generator
}

output "member_repository_policy" {
  description = "Policy that the repositories of member accounts need. Null without member accounts."
  value = length(var.member_accounts) == 0 ? null : jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "SociIndexBuilder", Effect = "Allow", Action = local.ecr_actions, Principal = { AWS = aws_iam_role.this["generator"].arn } }]
  })
}
