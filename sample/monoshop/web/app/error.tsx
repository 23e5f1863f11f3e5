'use client';
/** What if a page breaks? Nothing of the error is shown: it is in the server's log. */
export default function Failure() {
  return (
    <section className="card refusal" role="alert">
      <div>
        <p className="eyebrow">500 Internal Server Error</p>
        <h1>That did not work</h1>
        <p>The mistake is ours, and it is in our log. Try again in a moment.</p>
        <a className="button quiet" href="/">
          To the dashboard
        </a>
      </div>
    </section>
  );
}
