// What is used of the AWS SDK for Lambda, so that the rest of it is left out of the bundles: of a module that is imported on
// demand, all exports are kept.
export { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
