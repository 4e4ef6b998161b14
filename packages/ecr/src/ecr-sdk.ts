// What is used of the AWS SDK for Amazon ECR. Whoever bundles this package leaves out the rest of it: of a module that is
// imported on demand, all exports are kept.
export {
  BatchDeleteImageCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  ListImagesCommand,
} from '@aws-sdk/client-ecr';
