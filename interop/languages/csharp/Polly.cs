using System;
using System.Threading.Tasks;

// Polly is a library of retries, on NuGet only, which Debian does not package. The generated client lets its user set a policy
// of Polly's. This program sets none, so it is enough to declare what the client's code names, as Polly 8 does.
namespace Polly
{
    public enum OutcomeType
    {
        Successful,
        Failure,
    }

    public class PolicyResult<TResult>
    {
        public OutcomeType Outcome { get; private set; }
        public TResult Result { get; private set; }
        public Exception FinalException { get; private set; }
    }

    public interface ISyncPolicy<TResult>
    {
        PolicyResult<TResult> ExecuteAndCapture(Func<TResult> action);
    }

    public interface IAsyncPolicy<TResult>
    {
        Task<PolicyResult<TResult>> ExecuteAndCaptureAsync(Func<Task<TResult>> action);
    }
}
