// The part of the AWS SDK for Amazon ECR that only catalogs use. Apart from ecr-sdk.ts, so that bundles without a
// catalog do not contain it.
export { BatchGetImageCommand, DescribeRepositoriesCommand, GetLifecyclePolicyCommand } from '@aws-sdk/client-ecr';
