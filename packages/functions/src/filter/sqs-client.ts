// The part of the AWS SDK that sends messages. Imported dynamically, because most events match no filter and do not need it.
export { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
