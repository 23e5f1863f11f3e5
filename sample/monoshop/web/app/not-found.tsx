/** What if there is no such page? */
export default function NotFound() {
  return (
    <section className="card refusal">
      <div>
        <p className="eyebrow">404 Not Found</p>
        <h1>There is no such page</h1>
        <p>The address may be mistyped, or the page has moved.</p>
        <a className="button quiet" href="/">
          To the dashboard
        </a>
      </div>
    </section>
  );
}
