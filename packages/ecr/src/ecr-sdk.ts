// The used parts of the AWS SDK for Amazon ECR. A static re-export lets bundlers drop the rest, because a bundle
// contains all exports of a dynamically imported module.
export {
  BatchDeleteImageCommand,
  DescribeImagesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  ListImagesCommand,
} from '@aws-sdk/client-ecr';
