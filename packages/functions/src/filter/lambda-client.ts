// The part of the AWS SDK that invokes functions. Imported dynamically, because most events match no filter and do not need it.
export { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
