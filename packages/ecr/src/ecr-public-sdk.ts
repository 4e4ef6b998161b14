// The used parts of the AWS SDK for ECR Public. A static import also works in CommonJS bundles that leave out the SDK,
// because the Lambda runtime provides its own only to `require`.
export { ECRPUBLICClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr-public';
