"""The change-board document: one page that says whether the main instance may follow, why, and how to check it.

Made from the verdict, the evidence and the decisions of people alone, so that the same of these gives the same bytes
anywhere. HTML is the source; the PDF is that HTML, laid out for paper.
"""
